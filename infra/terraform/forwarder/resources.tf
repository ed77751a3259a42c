# Written by infra/testing/terraform.py from infra/forwarder.yaml, which says why each thing is as it is. Change it there.

resource "aws_iam_role" "forwarder_role" {
  name        = "hansho-forwarder-${local.region}"
  path        = "/hansho/forwarder/"
  description = "Lets this region's rule put findings on the hansho bus."
  assume_role_policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"    = "Allow"
        "Principal" = { "Service" = "events.amazonaws.com" }
        "Action"    = "sts:AssumeRole"
        "Condition" = {
          "StringEquals" = { "aws:SourceAccount" = local.account }
          "ArnEquals" = {
            "aws:SourceArn" = "arn:${local.partition}:events:${local.region}:${local.account}:rule/hansho-forwarder"
          }
        }
      },
    ]
  })
  permissions_boundary = (local.bounded ? "arn:${local.partition}:iam::${local.account}:policy/${var.boundary_policy}" : null)
  tags                 = { "project" = "hansho" }
}

resource "aws_iam_role_policy" "forwarder_role_forward" {
  name = "forward"
  role = aws_iam_role.forwarder_role.name
  policy = jsonencode({
    "Version"   = "2012-10-17"
    "Statement" = [{ "Effect" = "Allow", "Action" = "events:PutEvents", "Resource" = var.home_bus_arn }]
  })
}

resource "aws_cloudwatch_event_rule" "rule" {
  name        = "hansho-forwarder"
  description = "Findings of this region, to the hansho bus of the home region."
  state       = "ENABLED"
  event_pattern = jsonencode({
    "source" = [for each in [
      var.guard_duty_source,
      (local.with_security_hub ? "aws.securityhub" : null),
      (local.with_inspector ? "aws.inspector2" : null),
      (local.with_macie ? "aws.macie" : null),
      (local.with_access_analyzer ? "aws.access-analyzer" : null),
      "hansho.canary",
    ] : each if each != null]
    "detail-type" = [for each in [
      "GuardDuty Finding",
      (local.with_malware_scans ? "GuardDuty Malware Protection Object Scan Result" : null),
      (local.with_malware_scans ? "GuardDuty Malware Protection Post Scan Action Failed" : null),
      (local.with_malware_scans ? "GuardDuty Malware Protection Resource Status Active" : null),
      (local.with_malware_scans ? "GuardDuty Malware Protection Resource Status Warning" : null),
      (local.with_malware_scans ? "GuardDuty Malware Protection Resource Status Error" : null),
      (local.with_malware_scans ? "GuardDuty Runtime Protection Healthy" : null),
      (local.with_malware_scans ? "GuardDuty Runtime Protection Unhealthy" : null),
      (local.with_security_hub ? "Security Hub Findings - Imported" : null),
      (local.with_security_hub ? "Findings Imported V2" : null),
      (local.with_custom_actions ? "Security Hub Findings - Custom Action" : null),
      (local.with_custom_actions ? "Security Hub Insight Results" : null),
      (local.with_inspector ? "Inspector2 Finding" : null),
      (local.with_macie ? "Macie Finding" : null),
      (local.with_access_analyzer ? "Access Analyzer Finding" : null),
      (local.with_access_analyzer ? "Unused Access Finding for IAM entities" : null),
      (local.with_access_analyzer ? "Internal Access Finding" : null),
      "hansho canary",
    ] : each if each != null]
  })
}

resource "aws_cloudwatch_event_target" "rule" {
  rule      = aws_cloudwatch_event_rule.rule.name
  target_id = "hansho-bus"
  arn       = var.home_bus_arn
  role_arn  = aws_iam_role.forwarder_role.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letter_queue.arn
  }
}

resource "aws_sqs_queue" "dead_letter_queue" {
  name                      = "hansho-forwarder-dead"
  message_retention_seconds = 1209600
  max_message_size          = 1048576
  sqs_managed_sse_enabled   = true
  redrive_allow_policy      = jsonencode({ "redrivePermission" = "denyAll" })
  tags                      = { "project" = "hansho" }
}

resource "aws_sqs_queue_policy" "dead_letter_queue_policy" {
  queue_url = aws_sqs_queue.dead_letter_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "FromTheRule"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "events.amazonaws.com" }
        "Action"    = "sqs:SendMessage"
        "Resource"  = aws_sqs_queue.dead_letter_queue.arn
        "Condition" = {
          "ArnEquals"    = { "aws:SourceArn" = aws_cloudwatch_event_rule.rule.arn }
          "StringEquals" = { "aws:SourceAccount" = local.account }
        }
      },
      {
        "Sid"       = "EncryptedConnectionsOnly"
        "Effect"    = "Deny"
        "Principal" = "*"
        "Action"    = "sqs:*"
        "Resource"  = aws_sqs_queue.dead_letter_queue.arn
        "Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic" "alarm_topic" {
  count = local.own_topic ? 1 : 0
  name  = "hansho-forwarder-alarms"
  tags  = { "project" = "hansho" }
}

resource "aws_sns_topic_subscription" "alarm_topic_0" {
  count     = local.own_topic ? 1 : 0
  topic_arn = aws_sns_topic.alarm_topic[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_sns_topic_policy" "alarm_topic_policy" {
  count = local.own_topic ? 1 : 0
  arn   = one(aws_sns_topic.alarm_topic[*].arn)
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "FromAlarms"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "cloudwatch.amazonaws.com" }
        "Action"    = "sns:Publish"
        "Resource"  = one(aws_sns_topic.alarm_topic[*].arn)
        "Condition" = {
          "StringEquals" = { "aws:SourceAccount" = local.account }
          "ArnLike" = {
            "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-*"
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_alarm" {
  alarm_name          = "hansho-forwarder-dead-letters"
  alarm_description   = "Findings of this region could not be forwarded to the hansho bus. They wait in hansho-forwarder-dead; infra/README.md says how to send them again."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions = [for each in [
    (local.given_topic ? var.alarm_topic_arn : null),
    (local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : null),
  ] : each if each != null]
  ok_actions = [for each in [
    (local.given_topic ? var.alarm_topic_arn : null),
    (local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : null),
  ] : each if each != null]
  tags       = { "project" = "hansho" }
  dimensions = { "QueueName" = aws_sqs_queue.dead_letter_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "lost_alarm" {
  alarm_name          = "hansho-forwarder-lost"
  alarm_description   = "Findings of this region were neither forwarded nor stored in hansho-forwarder-dead. Check the queue's policy, then run hansho reconcile for this region."
  namespace           = "AWS/Events"
  metric_name         = "InvocationsFailedToBeSentToDlq"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions = [for each in [
    (local.given_topic ? var.alarm_topic_arn : null),
    (local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : null),
  ] : each if each != null]
  ok_actions = [for each in [
    (local.given_topic ? var.alarm_topic_arn : null),
    (local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : null),
  ] : each if each != null]
  tags       = { "project" = "hansho" }
  dimensions = { "RuleName" = "hansho-forwarder" }
}
