# Written by infra/testing/terraform.py from infra/worker-lambda.yaml, which says why each thing is as it is. Change it there.

resource "aws_iam_role" "role" {
  name        = "hansho-worker-lambda-${local.region}"
  description = "The worker on Lambda. It may do what the worker does, and nothing else."
  assume_role_policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"    = "Allow"
        "Principal" = { "Service" = "lambda.amazonaws.com" }
        "Action"    = "sts:AssumeRole"
      },
    ]
  })
  tags = { "project" = "hansho" }
}

resource "aws_iam_role_policy" "role_worker" {
  name = "worker"
  role = aws_iam_role.role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"    = "TakeFromTheLanes"
        "Effect" = "Allow"
        "Action" = [
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:ReceiveMessage",
        ]
        "Resource" = [var.express_queue_arn, var.standard_queue_arn]
      },
      {
        "Sid"      = "Quarantine"
        "Effect"   = "Allow"
        "Action"   = "sqs:SendMessage"
        "Resource" = var.quarantine_queue_arn
      },
      {
        "Sid"      = "Ledger"
        "Effect"   = "Allow"
        "Action"   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"]
        "Resource" = var.ledger_table_arn
      },
      {
        "Sid"      = "Webhook"
        "Effect"   = "Allow"
        "Action"   = "secretsmanager:GetSecretValue"
        "Resource" = (local.with_extra_secrets ? split(",", join(",", [var.webhook_secret_arn, var.extra_secret_arns])) : [var.webhook_secret_arn])
      },
    ]
  })
}

resource "aws_iam_role_policy" "role_log" {
  name = "log"
  role = aws_iam_role.role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"   = "Allow"
        "Action"   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        "Resource" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/hansho/worker:log-stream:*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "key_policy" {
  count = local.with_key ? 1 : 0
  name  = "customer-key"
  role  = aws_iam_role.role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"      = "CustomerKey"
        "Effect"   = "Allow"
        "Action"   = ["kms:Decrypt", "kms:GenerateDataKey"]
        "Resource" = var.customer_key_arn
        "Condition" = {
          "StringEquals" = {
            "kms:ViaService" = [
              "dynamodb.${local.region}.${local.suffix}",
              "secretsmanager.${local.region}.${local.suffix}",
              "sqs.${local.region}.${local.suffix}",
            ]
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "reconcile_policy" {
  count = local.with_reconcile ? 1 : 0
  name  = "reconcile"
  role  = aws_iam_role.role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"      = "ReadFindings"
        "Effect"   = "Allow"
        "Action"   = ["guardduty:GetFindings", "guardduty:ListDetectors", "guardduty:ListFindings"]
        "Resource" = "*"
      },
      {
        "Sid"      = "Enqueue"
        "Effect"   = "Allow"
        "Action"   = "sqs:SendMessage"
        "Resource" = [var.express_queue_arn, var.standard_queue_arn]
      },
    ]
  })
}

resource "aws_iam_role_policy" "coverage_policy" {
  count = local.with_coverage ? 1 : 0
  name  = "coverage"
  role  = aws_iam_role.role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"    = "ListTheRegions"
        "Effect" = "Allow"
        "Action" = "account:ListRegions"
        "Resource" = [
          "arn:${local.partition}:account::${local.account}:account",
          "arn:${local.partition}:account::*:account/*",
        ]
      },
      {
        "Sid"    = "ListTheEstate"
        "Effect" = "Allow"
        "Action" = [
          "guardduty:DescribeOrganizationConfiguration",
          "guardduty:GetMemberDetectors",
          "guardduty:ListDetectors",
          "guardduty:ListMembers",
          "organizations:ListAccounts",
          "organizations:ListDelegatedAdministrators",
        ]
        "Resource" = "*"
      },
      {
        "Sid"      = "SeeTheDetectors"
        "Effect"   = "Allow"
        "Action"   = "guardduty:GetDetector"
        "Resource" = "arn:${local.partition}:guardduty:*:${local.account}:detector/*"
      },
      {
        "Sid"      = "SeeTheForwarders"
        "Effect"   = "Allow"
        "Action"   = ["events:DescribeRule", "events:ListTargetsByRule"]
        "Resource" = "arn:${local.partition}:events:*:${local.account}:rule/hansho-forwarder"
      },
    ]
  })
}

resource "aws_lambda_function" "function" {
  function_name                  = "hansho-worker"
  description                    = "Takes findings from the queues and posts them to Slack."
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  s3_bucket                      = var.code_bucket
  s3_key                         = var.code_key
  s3_object_version              = (local.with_code_version ? var.code_version : null)
  role                           = aws_iam_role.role.arn
  memory_size                    = var.memory_mi_b
  timeout                        = 60
  reserved_concurrent_executions = (local.with_reserved_concurrency ? var.reserved_concurrency : null)
  tags                           = { "project" = "hansho" }
  logging_config {
    log_group  = var.worker_log_name
    log_format = "Text"
  }
  environment {
    variables = { for key, each in {
      "HANSHO_QUEUE_EXPRESS"                = var.express_queue_url
      "HANSHO_QUEUE_STANDARD"               = var.standard_queue_url
      "HANSHO_QUEUE_QUARANTINE"             = var.quarantine_queue_url
      "HANSHO_LEDGER_TABLE"                 = var.ledger_table_name
      "HANSHO_DESTINATION_WEBHOOK"          = join(":", ["secretsmanager", var.webhook_secret_arn])
      "HANSHO_DESTINATION_NAME"             = var.destination_name
      "HANSHO_DESTINATION_MENTION_MEDIUM"   = (local.with_mention_medium ? var.mention_medium : null)
      "HANSHO_DESTINATION_MENTION_HIGH"     = (local.with_mention_high ? var.mention_high : null)
      "HANSHO_DESTINATION_MENTION_CRITICAL" = (local.with_mention_critical ? var.mention_critical : null)
      "HANSHO_MIN_SEVERITY"                 = var.min_severity
      "HANSHO_WORKER_FLEET"                 = var.fleet
      "HANSHO_RECONCILE_REGIONS"            = (local.with_regions ? var.reconcile_regions : null)
      "HANSHO_LOG"                          = var.log_level
      "AWS_ENDPOINT_URL"                    = (local.with_endpoint ? var.endpoint_url : null)
    } : key => each if each != null }
  }
}

resource "aws_lambda_event_source_mapping" "express_mapping" {
  event_source_arn                   = var.express_queue_arn
  function_name                      = aws_lambda_function.function.function_name
  batch_size                         = 10
  maximum_batching_window_in_seconds = 0
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = { "project" = "hansho" }
  scaling_config {
    maximum_concurrency = 2
  }
}

resource "aws_lambda_event_source_mapping" "standard_mapping" {
  event_source_arn                   = var.standard_queue_arn
  function_name                      = aws_lambda_function.function.function_name
  batch_size                         = var.standard_batch_size
  maximum_batching_window_in_seconds = var.standard_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = { "project" = "hansho" }
  scaling_config {
    maximum_concurrency = var.standard_concurrency
  }
}

resource "aws_cloudwatch_event_rule" "heartbeat_rule" {
  count               = local.with_heartbeat ? 1 : 0
  name                = "hansho-heartbeat"
  description         = "Asks the worker every five minutes whether it is healthy."
  state               = "ENABLED"
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "heartbeat_rule" {
  count     = local.with_heartbeat ? 1 : 0
  rule      = aws_cloudwatch_event_rule.heartbeat_rule[0].name
  target_id = "worker"
  arn       = aws_lambda_function.function.arn
  input     = "{\"hansho\":\"heartbeat\"}"
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "heartbeat_permission" {
  count          = local.with_heartbeat ? 1 : 0
  function_name  = aws_lambda_function.function.function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_account = local.account
  source_arn     = one(aws_cloudwatch_event_rule.heartbeat_rule[*].arn)
}

resource "aws_lambda_function_event_invoke_config" "heartbeat_retries" {
  count                        = local.with_timer ? 1 : 0
  function_name                = aws_lambda_function.function.function_name
  qualifier                    = "$LATEST"
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}

resource "aws_cloudwatch_event_rule" "reconcile_rule" {
  count               = local.with_reconcile ? 1 : 0
  name                = "hansho-reconcile"
  description         = "Makes the worker compare the ledger with GuardDuty's findings."
  state               = "ENABLED"
  schedule_expression = var.reconcile_schedule
}

resource "aws_cloudwatch_event_target" "reconcile_rule" {
  count     = local.with_reconcile ? 1 : 0
  rule      = aws_cloudwatch_event_rule.reconcile_rule[0].name
  target_id = "worker"
  arn       = aws_lambda_function.function.arn
  input     = "{\"hansho\":\"reconcile\"}"
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "reconcile_permission" {
  count          = local.with_reconcile ? 1 : 0
  function_name  = aws_lambda_function.function.function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_account = local.account
  source_arn     = one(aws_cloudwatch_event_rule.reconcile_rule[*].arn)
}

resource "aws_cloudwatch_event_rule" "coverage_rule" {
  count               = local.with_coverage ? 1 : 0
  name                = "hansho-coverage"
  description         = "Makes the worker look in which accounts and regions GuardDuty is on."
  state               = "ENABLED"
  schedule_expression = var.coverage_schedule
}

resource "aws_cloudwatch_event_target" "coverage_rule" {
  count     = local.with_coverage ? 1 : 0
  rule      = aws_cloudwatch_event_rule.coverage_rule[0].name
  target_id = "worker"
  arn       = aws_lambda_function.function.arn
  input     = "{\"hansho\":\"coverage\"}"
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "coverage_permission" {
  count          = local.with_coverage ? 1 : 0
  function_name  = aws_lambda_function.function.function_name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_account = local.account
  source_arn     = one(aws_cloudwatch_event_rule.coverage_rule[*].arn)
}

resource "aws_cloudwatch_metric_alarm" "errors_alarm" {
  alarm_name          = "hansho-worker-errors"
  alarm_description   = "Calls of the function fail. Their messages come back and are tried again; the log /hansho/worker says why."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions = [
    (local.given_topic ? var.alarm_topic_arn : "arn:${local.partition}:sns:${local.region}:${local.account}:hansho-alarms"),
  ]
  ok_actions = [
    (local.given_topic ? var.alarm_topic_arn : "arn:${local.partition}:sns:${local.region}:${local.account}:hansho-alarms"),
  ]
  tags       = { "project" = "hansho" }
  dimensions = { "FunctionName" = aws_lambda_function.function.function_name }
}

resource "aws_cloudwatch_metric_alarm" "throttles_alarm" {
  alarm_name          = "hansho-worker-throttles"
  alarm_description   = "Calls of the function are throttled, which costs their messages receives. Raise ReservedConcurrency, or the account's concurrency."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions = [
    (local.given_topic ? var.alarm_topic_arn : "arn:${local.partition}:sns:${local.region}:${local.account}:hansho-alarms"),
  ]
  ok_actions = [
    (local.given_topic ? var.alarm_topic_arn : "arn:${local.partition}:sns:${local.region}:${local.account}:hansho-alarms"),
  ]
  tags       = { "project" = "hansho" }
  dimensions = { "FunctionName" = aws_lambda_function.function.function_name }
}
