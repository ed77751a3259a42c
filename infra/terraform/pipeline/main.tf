# Written by infra/testing/terraform.py from infra/pipeline.yaml, which says why each thing is as it is. Change it there.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.11"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

data "aws_partition" "current" {}

locals {
  account              = data.aws_caller_identity.current.account_id
  region               = data.aws_region.current.name
  partition            = data.aws_partition.current.partition
  suffix               = data.aws_partition.current.dns_suffix
  has_organization     = var.organization_id != ""
  has_further_accounts = join("", var.further_accounts) != ""
  with_archive         = tostring(var.archive_days) != "0"
  with_malware_scans   = var.malware_scans == "yes"
  with_security_hub    = var.security_hub == "yes"
  with_custom_actions  = local.with_security_hub && (var.custom_actions == "yes")
  with_inspector       = var.inspector == "yes"
  with_macie           = var.macie == "yes"
  with_access_analyzer = var.access_analyzer == "yes"
  has_key              = var.customer_key != "no"
  own_key              = var.customer_key == "yes"
  own_topic            = var.alarm_topic_arn == ""
  with_email           = local.own_topic && var.alarm_email != ""
  with_heartbeat       = var.alarm_on_silence == "yes"
  with_canary          = var.canary == "yes"
  with_reconcile       = var.reconcile_alarm == "yes"
  with_coverage        = var.coverage_alarm == "yes"
}
