# Written by infra/testing/terraform.py from infra/worker-ecs.yaml, which says why each thing is as it is. Change it there.

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
  account               = data.aws_caller_identity.current.account_id
  region                = data.aws_region.current.name
  partition             = data.aws_partition.current.partition
  suffix                = data.aws_partition.current.dns_suffix
  with_mention_medium   = var.mention_medium != ""
  with_mention_high     = var.mention_high != ""
  with_mention_critical = var.mention_critical != ""
  with_extra_secrets    = var.extra_secret_arns != ""
  with_endpoint         = var.endpoint_url != ""
  with_key              = var.customer_key_arn != ""
  with_reconcile        = var.reconcile_every != "off"
  with_regions          = var.reconcile_regions != ""
  with_coverage         = var.coverage_every != "off"
  own_cluster           = var.cluster_name == ""
  from_repository       = var.repository_arn != ""
}
