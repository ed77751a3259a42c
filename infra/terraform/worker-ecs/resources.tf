# Written by infra/testing/terraform.py from infra/worker-ecs.yaml, which says why each thing is as it is. Change it there.

resource "aws_ecs_cluster" "cluster" {
  count = local.own_cluster ? 1 : 0
  name  = "hansho"
  tags  = { "project" = "hansho" }
  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_iam_role" "task_role" {
  name        = "hansho-worker-ecs-${local.region}"
  description = "The worker on ECS. It may do what the worker does, and nothing else."
  assume_role_policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"    = "Allow"
        "Principal" = { "Service" = "ecs-tasks.amazonaws.com" }
        "Action"    = "sts:AssumeRole"
        "Condition" = {
          "StringEquals" = { "aws:SourceAccount" = local.account }
          "ArnLike"      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
        }
      },
    ]
  })
  tags = { "project" = "hansho" }
}

resource "aws_iam_role_policy" "task_role_worker" {
  name = "worker"
  role = aws_iam_role.task_role.name
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

resource "aws_iam_role_policy" "key_policy" {
  count = local.with_key ? 1 : 0
  name  = "customer-key"
  role  = aws_iam_role.task_role.name
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
  role  = aws_iam_role.task_role.name
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
  role  = aws_iam_role.task_role.name
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

resource "aws_iam_role" "execution_role" {
  name        = "hansho-worker-ecs-start-${local.region}"
  description = "Starts the worker on ECS - fetches the image and writes the log."
  assume_role_policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"    = "Allow"
        "Principal" = { "Service" = "ecs-tasks.amazonaws.com" }
        "Action"    = "sts:AssumeRole"
        "Condition" = {
          "StringEquals" = { "aws:SourceAccount" = local.account }
          "ArnLike"      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
        }
      },
    ]
  })
  tags = { "project" = "hansho" }
}

resource "aws_iam_role_policy" "execution_role_log" {
  name = "log"
  role = aws_iam_role.execution_role.name
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

resource "aws_iam_role_policy" "execution_role_image" {
  count = local.from_repository ? 1 : 0
  name  = "image"
  role  = aws_iam_role.execution_role.name
  policy = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect"   = "Allow"
        "Action"   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        "Resource" = var.repository_arn
      },
      { "Effect" = "Allow", "Action" = "ecr:GetAuthorizationToken", "Resource" = "*" },
    ]
  })
}

resource "aws_security_group" "security_group" {
  description = "hansho worker, out to AWS and Slack over TLS, nothing in"
  vpc_id      = var.vpc_id
  tags        = { "project" = "hansho", "Name" = "hansho-worker" }
  egress {
    description = "AWS and Slack over TLS. Their addresses change, so all are allowed."
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecs_task_definition" "task" {
  family                   = "hansho-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mi_b
  task_role_arn            = aws_iam_role.task_role.arn
  execution_role_arn       = aws_iam_role.execution_role.arn
  tags                     = { "project" = "hansho" }
  container_definitions = jsonencode([
    {
      "name"                   = "hansho"
      "image"                  = var.image
      "essential"              = true
      "command"                = ["run"]
      "user"                   = "65532:65532"
      "readonlyRootFilesystem" = true
      "privileged"             = false
      "linuxParameters"        = { "capabilities" = { "drop" = ["ALL"] }, "initProcessEnabled" = false }
      "stopTimeout"            = 60
      "healthCheck" = {
        "command"     = ["CMD", "/hansho", "health"]
        "interval"    = 30
        "timeout"     = 5
        "retries"     = 3
        "startPeriod" = 30
      }
      "environment" = [for each in [
        { "name" = "HANSHO_QUEUE_EXPRESS", "value" = var.express_queue_url },
        { "name" = "HANSHO_QUEUE_STANDARD", "value" = var.standard_queue_url },
        { "name" = "HANSHO_QUEUE_QUARANTINE", "value" = var.quarantine_queue_url },
        { "name" = "HANSHO_LEDGER_TABLE", "value" = var.ledger_table_name },
        {
          "name"  = "HANSHO_DESTINATION_WEBHOOK"
          "value" = join(":", ["secretsmanager", var.webhook_secret_arn])
        },
        { "name" = "HANSHO_DESTINATION_NAME", "value" = var.destination_name },
        (local.with_mention_medium ? { "name" = "HANSHO_DESTINATION_MENTION_MEDIUM", "value" = var.mention_medium } : null),
        (local.with_mention_high ? { "name" = "HANSHO_DESTINATION_MENTION_HIGH", "value" = var.mention_high } : null),
        (local.with_mention_critical ? { "name" = "HANSHO_DESTINATION_MENTION_CRITICAL", "value" = var.mention_critical } : null),
        { "name" = "HANSHO_MIN_SEVERITY", "value" = var.min_severity },
        { "name" = "HANSHO_WORKER_FLEET", "value" = var.task_count },
        (local.with_reconcile ? { "name" = "HANSHO_RECONCILE_EVERY", "value" = var.reconcile_every } : null),
        (local.with_regions ? { "name" = "HANSHO_RECONCILE_REGIONS", "value" = var.reconcile_regions } : null),
        (local.with_coverage ? { "name" = "HANSHO_COVERAGE_EVERY", "value" = var.coverage_every } : null),
        { "name" = "HANSHO_LOG", "value" = var.log_level },
        { "name" = "HANSHO_METRICS_LISTEN", "value" = "127.0.0.1:8788" },
        { "name" = "HANSHO_METRICS_EMF", "value" = "on" },
        { "name" = "AWS_REGION", "value" = local.region },
        (local.with_endpoint ? { "name" = "AWS_ENDPOINT_URL", "value" = var.endpoint_url } : null),
      ] : each if each != null]
      "logConfiguration" = {
        "logDriver" = "awslogs"
        "options" = {
          "awslogs-group"         = var.worker_log_name
          "awslogs-region"        = local.region
          "awslogs-stream-prefix" = "ecs"
          "mode"                  = "non-blocking"
          "max-buffer-size"       = "4m"
        }
      }
    },
  ])
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }
}

resource "aws_ecs_service" "service" {
  name                               = "hansho-worker"
  cluster                            = (local.own_cluster ? one(aws_ecs_cluster.cluster[*].name) : var.cluster_name)
  task_definition                    = aws_ecs_task_definition.task.arn
  desired_count                      = var.task_count
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_execute_command             = false
  propagate_tags                     = "SERVICE"
  tags                               = { "project" = "hansho" }
  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.security_group.id]
    assign_public_ip = var.assign_public_ip == "ENABLED"
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}
