# Written by infra/testing/terraform.py from infra/pipeline.yaml, which says why each thing is as it is. Change it there.

resource "aws_kms_key" "key" {
  count               = local.has_key ? 1 : 0
  description         = "hansho's queues, ledger, secret, log and alarm topic"
  enable_key_rotation = true
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "TheAccountDecidesByIam"
        "Effect"    = "Allow"
        "Principal" = { "AWS" = "arn:${local.partition}:iam::${local.account}:root" }
        "Action"    = "kms:*"
        "Resource"  = "*"
      },
      {
        "Sid"       = "EventsReachTheQueuesAndAlarmsTheTopic"
        "Effect"    = "Allow"
        "Principal" = { "Service" = ["cloudwatch.amazonaws.com", "events.amazonaws.com"] }
        "Action"    = ["kms:Decrypt", "kms:GenerateDataKey"]
        "Resource"  = "*"
        "Condition" = { "StringEquals" = { "aws:SourceAccount" = local.account } }
      },
      {
        "Sid"       = "TheLog"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "logs.${local.region}.${local.suffix}" }
        "Action" = [
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]
        "Resource" = "*"
        "Condition" = {
          "ArnEquals" = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/hansho/worker"
          }
        }
      },
    ]
  })
  tags = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "key_alias" {
  count         = local.has_key ? 1 : 0
  name          = "alias/hansho"
  target_key_id = one(aws_kms_key.key[*].key_id)
}

resource "aws_cloudwatch_event_bus" "bus" {
  name        = "hansho"
  description = "Findings of all accounts and regions, on their way to the queues."
  tags        = { "project" = "hansho" }
}

resource "aws_cloudwatch_event_archive" "archive" {
  count            = local.with_archive ? 1 : 0
  name             = "hansho"
  description      = "The events of the hansho bus."
  event_source_arn = aws_cloudwatch_event_bus.bus.arn
  retention_days   = var.archive_days
}

resource "aws_cloudwatch_event_rule" "standard_rule" {
  name           = "hansho-standard"
  description    = "Every finding of the allowed sources, to the standard lane."
  event_bus_name = "hansho"
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
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "standard_rule" {
  rule           = aws_cloudwatch_event_rule.standard_rule.name
  event_bus_name = "hansho"
  target_id      = "standard"
  arn            = aws_sqs_queue.standard_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_guard_duty_rule" {
  name           = "hansho-express-guardduty"
  description    = "High and critical, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = [var.guard_duty_source]
    "detail-type" = ["GuardDuty Finding"]
    "detail"      = { "severity" = [{ "numeric" = [">=", 7] }] }
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_guard_duty_rule" {
  rule           = aws_cloudwatch_event_rule.express_guard_duty_rule.name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_malware_rule" {
  count          = local.with_malware_scans ? 1 : 0
  name           = "hansho-express-malware"
  description    = "Threats in S3 objects, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = [var.guard_duty_source]
    "detail-type" = ["GuardDuty Malware Protection Object Scan Result"]
    "detail"      = { "scanResultDetails" = { "scanResultStatus" = ["THREATS_FOUND"] } }
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_malware_rule" {
  count          = local.with_malware_scans ? 1 : 0
  rule           = aws_cloudwatch_event_rule.express_malware_rule[0].name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_security_hub_rule" {
  count          = local.with_security_hub ? 1 : 0
  name           = "hansho-express-securityhub"
  description    = "High and critical, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = ["aws.securityhub"]
    "detail-type" = ["Security Hub Findings - Imported"]
    "detail"      = { "findings" = { "Severity" = { "Label" = ["HIGH", "CRITICAL"] } } }
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_security_hub_rule" {
  count          = local.with_security_hub ? 1 : 0
  rule           = aws_cloudwatch_event_rule.express_security_hub_rule[0].name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_custom_action_rule" {
  count          = local.with_custom_actions ? 1 : 0
  name           = "hansho-express-custom-action"
  description    = "What a person sends on purpose, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = ["aws.securityhub"]
    "detail-type" = ["Security Hub Findings - Custom Action", "Security Hub Insight Results"]
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_custom_action_rule" {
  count          = local.with_custom_actions ? 1 : 0
  rule           = aws_cloudwatch_event_rule.express_custom_action_rule[0].name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_inspector_rule" {
  count          = local.with_inspector ? 1 : 0
  name           = "hansho-express-inspector"
  description    = "High and critical, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = ["aws.inspector2"]
    "detail-type" = ["Inspector2 Finding"]
    "detail"      = { "severity" = ["HIGH", "CRITICAL"] }
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_inspector_rule" {
  count          = local.with_inspector ? 1 : 0
  rule           = aws_cloudwatch_event_rule.express_inspector_rule[0].name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "express_macie_rule" {
  count          = local.with_macie ? 1 : 0
  name           = "hansho-express-macie"
  description    = "High and critical, to the express lane."
  event_bus_name = "hansho"
  event_pattern = jsonencode({
    "source"      = ["aws.macie"]
    "detail-type" = ["Macie Finding"]
    "detail"      = { "severity" = { "description" = ["High", "Critical"] } }
  })
  depends_on = [aws_cloudwatch_event_bus.bus]
}

resource "aws_cloudwatch_event_target" "express_macie_rule" {
  count          = local.with_macie ? 1 : 0
  rule           = aws_cloudwatch_event_rule.express_macie_rule[0].name
  event_bus_name = "hansho"
  target_id      = "express"
  arn            = aws_sqs_queue.express_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered_queue.arn
  }
}

resource "aws_cloudwatch_event_rule" "canary_rule" {
  count               = local.with_canary ? 1 : 0
  name                = "hansho-canary"
  description         = "Every five minutes a canary, to the standard lane."
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "canary_rule" {
  count     = local.with_canary ? 1 : 0
  rule      = aws_cloudwatch_event_rule.canary_rule[0].name
  target_id = "standard"
  arn       = aws_sqs_queue.standard_queue.arn
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
  input_transformer {
    input_paths    = { "id" = "$.id", "time" = "$.time", "account" = "$.account", "region" = "$.region" }
    input_template = "{\"version\":\"0\",\"id\":<id>,\"detail-type\":\"hansho canary\",\"source\":\"hansho.canary\",\"account\":<account>,\"time\":<time>, \"region\":<region>,\"resources\":[],\"detail\":{\"id\":<id>,\"region\":<region>,\"post\":false}}"
  }
}

resource "aws_sqs_queue" "express_queue" {
  name                       = "hansho-express"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  max_message_size           = 1048576
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = (local.own_key ? null : true)
  kms_master_key_id          = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  redrive_policy = jsonencode({
    "deadLetterTargetArn" = aws_sqs_queue.dead_letter_queue.arn
    "maxReceiveCount"     = var.max_receive_count
  })
  redrive_allow_policy = jsonencode({ "redrivePermission" = "denyAll" })
  tags                 = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "standard_queue" {
  name                       = "hansho-standard"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  max_message_size           = 1048576
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = (local.own_key ? null : true)
  kms_master_key_id          = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  redrive_policy = jsonencode({
    "deadLetterTargetArn" = aws_sqs_queue.dead_letter_queue.arn
    "maxReceiveCount"     = var.max_receive_count
  })
  redrive_allow_policy = jsonencode({ "redrivePermission" = "denyAll" })
  tags                 = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "quarantine_queue" {
  name                       = "hansho-quarantine"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  max_message_size           = 1048576
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = (local.own_key ? null : true)
  kms_master_key_id          = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  redrive_allow_policy       = jsonencode({ "redrivePermission" = "denyAll" })
  tags                       = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "dead_letter_queue" {
  name                       = "hansho-dead"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  max_message_size           = 1048576
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = (local.own_key ? null : true)
  kms_master_key_id          = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  redrive_allow_policy = jsonencode({
    "redrivePermission" = "byQueue"
    "sourceQueueArns" = [
      "arn:${local.partition}:sqs:${local.region}:${local.account}:hansho-express",
      "arn:${local.partition}:sqs:${local.region}:${local.account}:hansho-standard",
    ]
  })
  tags = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "undelivered_queue" {
  name                       = "hansho-undelivered"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 1209600
  max_message_size           = 1048576
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = (local.own_key ? null : true)
  kms_master_key_id          = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  redrive_allow_policy       = jsonencode({ "redrivePermission" = "denyAll" })
  tags                       = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue_policy" "express_queue_policy" {
  queue_url = aws_sqs_queue.express_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "FromItsRules"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "events.amazonaws.com" }
        "Action"    = "sqs:SendMessage"
        "Resource"  = aws_sqs_queue.express_queue.arn
        "Condition" = {
          "ArnEquals" = {
            "aws:SourceArn" = [for each in [
              aws_cloudwatch_event_rule.express_guard_duty_rule.arn,
              (local.with_malware_scans ? one(aws_cloudwatch_event_rule.express_malware_rule[*].arn) : null),
              (local.with_security_hub ? one(aws_cloudwatch_event_rule.express_security_hub_rule[*].arn) : null),
              (local.with_custom_actions ? one(aws_cloudwatch_event_rule.express_custom_action_rule[*].arn) : null),
              (local.with_inspector ? one(aws_cloudwatch_event_rule.express_inspector_rule[*].arn) : null),
              (local.with_macie ? one(aws_cloudwatch_event_rule.express_macie_rule[*].arn) : null),
            ] : each if each != null]
          }
          "StringEquals" = { "aws:SourceAccount" = local.account }
        }
      },
      {
        "Sid"       = "EncryptedConnectionsOnly"
        "Effect"    = "Deny"
        "Principal" = "*"
        "Action"    = "sqs:*"
        "Resource"  = aws_sqs_queue.express_queue.arn
        "Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue_policy" "standard_queue_policy" {
  queue_url = aws_sqs_queue.standard_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "FromItsRules"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "events.amazonaws.com" }
        "Action"    = "sqs:SendMessage"
        "Resource"  = aws_sqs_queue.standard_queue.arn
        "Condition" = {
          "ArnEquals" = {
            "aws:SourceArn" = [for each in [
              aws_cloudwatch_event_rule.standard_rule.arn,
              (local.with_canary ? one(aws_cloudwatch_event_rule.canary_rule[*].arn) : null),
            ] : each if each != null]
          }
          "StringEquals" = { "aws:SourceAccount" = local.account }
        }
      },
      {
        "Sid"       = "EncryptedConnectionsOnly"
        "Effect"    = "Deny"
        "Principal" = "*"
        "Action"    = "sqs:*"
        "Resource"  = aws_sqs_queue.standard_queue.arn
        "Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue_policy" "undelivered_queue_policy" {
  queue_url = aws_sqs_queue.undelivered_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "FromItsRules"
        "Effect"    = "Allow"
        "Principal" = { "Service" = "events.amazonaws.com" }
        "Action"    = "sqs:SendMessage"
        "Resource"  = aws_sqs_queue.undelivered_queue.arn
        "Condition" = {
          "ArnEquals" = {
            "aws:SourceArn" = [for each in [
              aws_cloudwatch_event_rule.standard_rule.arn,
              aws_cloudwatch_event_rule.express_guard_duty_rule.arn,
              (local.with_malware_scans ? one(aws_cloudwatch_event_rule.express_malware_rule[*].arn) : null),
              (local.with_security_hub ? one(aws_cloudwatch_event_rule.express_security_hub_rule[*].arn) : null),
              (local.with_custom_actions ? one(aws_cloudwatch_event_rule.express_custom_action_rule[*].arn) : null),
              (local.with_inspector ? one(aws_cloudwatch_event_rule.express_inspector_rule[*].arn) : null),
              (local.with_macie ? one(aws_cloudwatch_event_rule.express_macie_rule[*].arn) : null),
            ] : each if each != null]
          }
          "StringEquals" = { "aws:SourceAccount" = local.account }
        }
      },
      {
        "Sid"       = "EncryptedConnectionsOnly"
        "Effect"    = "Deny"
        "Principal" = "*"
        "Action"    = "sqs:*"
        "Resource"  = aws_sqs_queue.undelivered_queue.arn
        "Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue_policy" "quarantine_queue_policy" {
  queue_url = aws_sqs_queue.quarantine_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"       = "EncryptedConnectionsOnly"
        "Effect"    = "Deny"
        "Principal" = "*"
        "Action"    = "sqs:*"
        "Resource"  = aws_sqs_queue.quarantine_queue.arn
        "Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue_policy" "dead_letter_queue_policy" {
  queue_url = aws_sqs_queue.dead_letter_queue.url
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
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

resource "aws_dynamodb_table" "ledger" {
  name                        = "hansho-ledger"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.ledger_deletion_protection
  tags                        = { "project" = "hansho" }
  hash_key                    = "fingerprint"
  range_key                   = "destination"
  attribute {
    name = "fingerprint"
    type = "S"
  }
  attribute {
    name = "destination"
    type = "S"
  }
  dynamic "server_side_encryption" {
    for_each = local.own_key ? [1] : []
    content {
      enabled     = true
      kms_key_arn = one(aws_kms_key.key[*].arn)
    }
  }
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret" "webhook_secret" {
  name        = "hansho/slack"
  description = "The incoming webhook of the Slack channel that hansho posts to."
  kms_key_id  = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  tags        = { "project" = "hansho" }
}

resource "aws_cloudwatch_log_group" "worker_log" {
  name              = "/hansho/worker"
  retention_in_days = var.log_retention_days
  kms_key_id        = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  tags              = { "project" = "hansho" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sns_topic" "alarm_topic" {
  count             = local.own_topic ? 1 : 0
  name              = "hansho-alarms"
  kms_master_key_id = (local.own_key ? one(aws_kms_key.key[*].arn) : null)
  tags              = { "project" = "hansho" }
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

resource "aws_sns_topic_subscription" "alarm_subscription" {
  count     = local.with_email ? 1 : 0
  topic_arn = one(aws_sns_topic.alarm_topic[*].arn)
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "quarantine_alarm" {
  alarm_name          = "hansho-quarantine"
  alarm_description   = "Messages are in hansho-quarantine, each with its reason. docs/runbook.md says how to list them and send them again."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "QueueName" = aws_sqs_queue.quarantine_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_alarm" {
  alarm_name          = "hansho-dead-letters"
  alarm_description   = "Messages were received too often without being settled. They are in hansho-dead. The worker's log says why."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "QueueName" = aws_sqs_queue.dead_letter_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "undelivered_alarm" {
  alarm_name          = "hansho-undelivered"
  alarm_description   = "EventBridge could not put findings in a queue. They are in hansho-undelivered."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "QueueName" = aws_sqs_queue.undelivered_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "express_age_alarm" {
  alarm_name          = "hansho-express-age"
  alarm_description   = "The oldest message of the express lane waits too long. Slack, the ledger or the worker does not answer, or more arrives than Slack accepts."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = var.express_age_alarm_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "QueueName" = aws_sqs_queue.express_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "standard_age_alarm" {
  alarm_name          = "hansho-standard-age"
  alarm_description   = "The oldest message of the standard lane waits too long. Slack, the ledger or the worker does not answer, or more arrives than Slack accepts."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = var.standard_age_alarm_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "QueueName" = aws_sqs_queue.standard_queue.name }
}

resource "aws_cloudwatch_metric_alarm" "heartbeat_alarm" {
  count               = local.with_heartbeat ? 1 : 0
  alarm_name          = "hansho-heartbeat"
  alarm_description   = "The worker was silent for 15 minutes. Check whether its task or function runs, and the log /hansho/worker."
  namespace           = "hansho"
  metric_name         = "heartbeat"
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "canary_alarm" {
  count               = local.with_canary ? 1 : 0
  alarm_name          = "hansho-canary"
  alarm_description   = "For 15 minutes no canary reached the ledger, so findings don't either. Check the queue hansho-standard, its policy and key, and the log /hansho/worker."
  namespace           = "hansho"
  metric_name         = "canary_seconds"
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "comparison_alarm" {
  count               = local.with_reconcile ? 1 : 0
  alarm_name          = "hansho-reconcile"
  alarm_description   = "A region could not be compared with GuardDuty. Findings that EventBridge did not deliver from there are not found. The log /hansho/worker says why; the next comparison resumes."
  namespace           = "hansho"
  metric_name         = "reconcile_failed"
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "gaps_alarm" {
  count               = local.with_coverage ? 1 : 0
  alarm_name          = "hansho-coverage"
  alarm_description   = "GuardDuty is not on everywhere, or the worker could not look. Run hansho coverage. The log /hansho/worker says why."
  namespace           = "hansho"
  metric_name         = "coverage_incomplete"
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "destination_dead_alarm" {
  alarm_name          = "hansho-destination-dead"
  alarm_description   = "Slack says that a webhook or its channel is gone. Its findings are held, or go to its fallback. Set a new webhook in the secret; the worker reads it by itself."
  namespace           = "hansho"
  metric_name         = "destination_dead"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "destination_failing_alarm" {
  alarm_name          = "hansho-destination-failing"
  alarm_description   = "For 15 minutes Slack, or the way to it, has accepted no post of a destination. Its findings are held. The log /hansho/worker says why."
  namespace           = "hansho"
  metric_name         = "breaker_open"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
}

resource "aws_cloudwatch_metric_alarm" "lost_alarm" {
  alarm_name          = "hansho-lost"
  alarm_description   = "EventBridge could put findings neither in a queue nor in hansho-undelivered. Check the queues' policies, then replay the archive of that time."
  namespace           = "AWS/Events"
  metric_name         = "InvocationsFailedToBeSentToDlq"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  ok_actions          = [(local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)]
  tags                = { "project" = "hansho" }
  dimensions          = { "EventBusName" = "hansho", "RuleName" = "hansho-standard" }
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = "hansho-${local.region}"
  dashboard_body = jsonencode({
    "widgets" = [
      {
        "type"   = "alarm"
        "x"      = 0
        "y"      = 0
        "width"  = 24
        "height" = 3
        "properties" = {
          "title" = "Alarms"
          "alarms" = [
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-express-age",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-standard-age",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-quarantine",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-dead-letters",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-undelivered",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-destination-dead",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-destination-failing",
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:hansho-lost",
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 0
        "y"      = 3
        "width"  = 12
        "height" = 6
        "properties" = {
          "region" = "${local.region}"
          "title"  = "Oldest message, seconds"
          "stat"   = "Maximum"
          "period" = 60
          "metrics" = [
            [
              "AWS/SQS",
              "ApproximateAgeOfOldestMessage",
              "QueueName",
              "hansho-express",
              { "label" = "express" },
            ],
            [".", ".", ".", "hansho-standard", { "label" = "standard" }],
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 12
        "y"      = 3
        "width"  = 12
        "height" = 6
        "properties" = {
          "region" = "${local.region}"
          "title"  = "Waiting messages"
          "stat"   = "Maximum"
          "period" = 60
          "metrics" = [
            [
              "AWS/SQS",
              "ApproximateNumberOfMessagesVisible",
              "QueueName",
              "hansho-express",
              { "label" = "express" },
            ],
            [".", ".", ".", "hansho-standard", { "label" = "standard" }],
            [
              ".",
              "ApproximateNumberOfMessagesNotVisible",
              ".",
              "hansho-express",
              { "label" = "express, in work" },
            ],
            [".", ".", ".", "hansho-standard", { "label" = "standard, in work" }],
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 0
        "y"      = 9
        "width"  = 12
        "height" = 6
        "properties" = {
          "region" = "${local.region}"
          "title"  = "Came in and settled"
          "stat"   = "Sum"
          "period" = 300
          "metrics" = [
            [
              "AWS/SQS",
              "NumberOfMessagesSent",
              "QueueName",
              "hansho-standard",
              { "label" = "standard, in" },
            ],
            [".", "NumberOfMessagesDeleted", ".", ".", { "label" = "standard, settled" }],
            [".", "NumberOfMessagesSent", ".", "hansho-express", { "label" = "express, in" }],
            [".", "NumberOfMessagesDeleted", ".", ".", { "label" = "express, settled" }],
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 12
        "y"      = 9
        "width"  = 12
        "height" = 6
        "properties" = {
          "region" = "${local.region}"
          "title"  = "Needs a person"
          "stat"   = "Maximum"
          "period" = 300
          "metrics" = [
            [
              "AWS/SQS",
              "ApproximateNumberOfMessagesVisible",
              "QueueName",
              "hansho-quarantine",
              { "label" = "quarantine" },
            ],
            [".", ".", ".", "hansho-dead", { "label" = "dead letters" }],
            [".", ".", ".", "hansho-undelivered", { "label" = "undelivered" }],
            ["hansho", "destination_dead", { "label" = "destination dead" }],
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 0
        "y"      = 15
        "width"  = 12
        "height" = 6
        "properties" = {
          "region" = "${local.region}"
          "title"  = "Ledger"
          "stat"   = "Sum"
          "period" = 300
          "metrics" = [
            [
              "AWS/DynamoDB",
              "ConsumedWriteCapacityUnits",
              "TableName",
              "hansho-ledger",
              { "label" = "writes" },
            ],
            [".", "ConsumedReadCapacityUnits", ".", ".", { "label" = "reads" }],
            [".", "WriteThrottleEvents", ".", ".", { "label" = "throttled" }],
          ]
        }
      },
      {
        "type"   = "metric"
        "x"      = 12
        "y"      = 15
        "width"  = 12
        "height" = 6
        "properties" = {
          "region"  = "${local.region}"
          "title"   = "Heartbeats of the worker"
          "stat"    = "SampleCount"
          "period"  = 300
          "metrics" = [["hansho", "heartbeat", { "label" = "heartbeats" }]]
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_bus_policy" "bus_policy" {
  count          = local.has_organization || local.has_further_accounts ? 1 : 0
  event_bus_name = aws_cloudwatch_event_bus.bus.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [for each in [
      (local.has_organization ? {
        "Sid"       = "organization"
        "Effect"    = "Allow"
        "Principal" = "*"
        "Action"    = "events:PutEvents"
        "Resource"  = aws_cloudwatch_event_bus.bus.arn
        "Condition" = {
          "StringEquals" = { "aws:PrincipalOrgID" = var.organization_id }
          "ForAllValues:StringEquals" = {
            "events:source" = [for each in [
              var.guard_duty_source,
              (local.with_security_hub ? "aws.securityhub" : null),
              (local.with_inspector ? "aws.inspector2" : null),
              (local.with_macie ? "aws.macie" : null),
              (local.with_access_analyzer ? "aws.access-analyzer" : null),
            ] : each if each != null]
          }
          "ForAllValues:StringLike" = {
            "events:detail-type" = [for each in [
              "GuardDuty Finding",
              (local.with_malware_scans ? "GuardDuty * Protection *" : null),
              (local.with_security_hub ? "Security Hub Findings - Imported" : null),
              (local.with_security_hub ? "Findings Imported V2" : null),
              (local.with_custom_actions ? "Security Hub Findings - Custom Action" : null),
              (local.with_custom_actions ? "Security Hub Insight Results" : null),
              (local.with_inspector ? "Inspector2 Finding" : null),
              (local.with_macie ? "Macie Finding" : null),
              (local.with_access_analyzer ? "Access Analyzer Finding" : null),
              (local.with_access_analyzer ? "Unused Access Finding for IAM entities" : null),
              (local.with_access_analyzer ? "Internal Access Finding" : null),
            ] : each if each != null]
          }
          "Null" = { "events:source" = "false", "events:detail-type" = "false" }
        }
      } : null),
      (local.has_further_accounts ? {
        "Sid"       = "accounts"
        "Effect"    = "Allow"
        "Principal" = { "AWS" = var.further_accounts }
        "Action"    = "events:PutEvents"
        "Resource"  = aws_cloudwatch_event_bus.bus.arn
        "Condition" = {
          "ForAllValues:StringEquals" = {
            "events:source" = [for each in [
              var.guard_duty_source,
              (local.with_security_hub ? "aws.securityhub" : null),
              (local.with_inspector ? "aws.inspector2" : null),
              (local.with_macie ? "aws.macie" : null),
              (local.with_access_analyzer ? "aws.access-analyzer" : null),
            ] : each if each != null]
          }
          "ForAllValues:StringLike" = {
            "events:detail-type" = [for each in [
              "GuardDuty Finding",
              (local.with_malware_scans ? "GuardDuty * Protection *" : null),
              (local.with_security_hub ? "Security Hub Findings - Imported" : null),
              (local.with_security_hub ? "Findings Imported V2" : null),
              (local.with_custom_actions ? "Security Hub Findings - Custom Action" : null),
              (local.with_custom_actions ? "Security Hub Insight Results" : null),
              (local.with_inspector ? "Inspector2 Finding" : null),
              (local.with_macie ? "Macie Finding" : null),
              (local.with_access_analyzer ? "Access Analyzer Finding" : null),
              (local.with_access_analyzer ? "Unused Access Finding for IAM entities" : null),
              (local.with_access_analyzer ? "Internal Access Finding" : null),
            ] : each if each != null]
          }
          "Null" = { "events:source" = "false", "events:detail-type" = "false" }
        }
      } : null),
    ] : each if each != null]
  })
}
