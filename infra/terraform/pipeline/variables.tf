# Written by infra/testing/terraform.py from infra/pipeline.yaml, which says why each thing is as it is. Change it there.

variable "organization_id" {
  description = "Accounts of this organisation may put events of the sources below on the bus. Empty where only this account's own forwarders send."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(o-[a-z0-9]{10,32})?$", var.organization_id))
    error_message = "Empty, or the id of an organisation, such as o-a1b2c3d4e5."
  }
}

variable "further_accounts" {
  description = "Accounts outside the organisation, or all where there is none, that may do the same."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for each in var.further_accounts : can(regex("^([0-9]{12})?$", each))])
    error_message = "Empty, or account ids with commas between them."
  }
}

variable "guard_duty_source" {
  description = "Keep aws.guardduty. It can be changed for tests, because nobody may put events whose source begins with aws."
  type        = string
  default     = "aws.guardduty"
  validation {
    condition     = can(regex("^[a-z][a-z0-9._-]{1,63}$", var.guard_duty_source))
    error_message = "The source of an event, such as aws.guardduty."
  }
}

variable "malware_scans" {
  description = "Take threats that Malware Protection for S3 finds in the express lane."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.malware_scans)
    error_message = "Yes or no."
  }
}

variable "security_hub" {
  description = "Take Security Hub's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.security_hub)
    error_message = "Yes or no."
  }
}

variable "custom_actions" {
  description = "With SecurityHub=yes: take what people send by a custom action, in the express lane. hansho posts it whatever its severity."
  type        = string
  default     = "yes"
  validation {
    condition     = contains(["yes", "no"], var.custom_actions)
    error_message = "Yes or no."
  }
}

variable "inspector" {
  description = "Take Inspector's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.inspector)
    error_message = "Yes or no."
  }
}

variable "macie" {
  description = "Take Macie's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.macie)
    error_message = "Yes or no."
  }
}

variable "access_analyzer" {
  description = "Take Access Analyzer's findings. They have no severity, so they are never in the express lane."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.access_analyzer)
    error_message = "Yes or no."
  }
}

variable "archive_days" {
  description = "How long the archive keeps the events of the bus. 0 for no archive, where EventBridge has none: Taipei, Melbourne, Malaysia, Thailand, Calgary and newer regions."
  type        = number
  default     = 30
  validation {
    condition     = var.archive_days >= 0 && var.archive_days <= 3650
    error_message = "0 to 3650."
  }
}

variable "log_retention_days" {
  description = "How long the worker's log is kept."
  type        = number
  default     = 90
  validation {
    condition = contains([
      1,
      3,
      5,
      7,
      14,
      30,
      60,
      90,
      120,
      150,
      180,
      365,
      400,
      545,
      731,
      1096,
      1827,
      2192,
      2557,
      2922,
      3288,
      3653,
    ], var.log_retention_days)
    error_message = "1 or 3 or 5 or 7 or 14 or 30 or 60 or 90 or 120 or 150 or 180 or 365 or 400 or 545 or 731 or 1096 or 1827 or 2192 or 2557 or 2922 or 3288 or 3653."
  }
}

variable "max_receive_count" {
  description = "A message received so often goes to hansho-dead. The worker returns messages on purpose while Slack or the ledger is unreachable, and each receive counts, so this must be high. An unreadable message does not wait for it: the worker quarantines it at once."
  type        = number
  default     = 1000
  validation {
    condition     = var.max_receive_count >= 100 && var.max_receive_count <= 1000
    error_message = "100 to 1000."
  }
}

variable "ledger_deletion_protection" {
  description = "Without the ledger everything in the queues is posted again. To delete the table, say false, update, then delete it."
  type        = string
  default     = "true"
  validation {
    condition     = contains(["true", "false"], var.ledger_deletion_protection)
    error_message = "True or false."
  }
}

variable "customer_key" {
  description = "no: everything is encrypted with keys that AWS owns or manages, at no cost. yes: a KMS key of this account for queues, ledger, secret, log and alarm topic. made: the key is there and not used, for the way from no to yes and back (infra/README.md)."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "made", "no"], var.customer_key)
    error_message = "Yes or made or no."
  }
}

variable "alarm_topic_arn" {
  description = "A topic of this region for the alarms. Empty to make one, hansho-alarms. It must not depend on Slack, as the alarms are about Slack too."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn))
    error_message = "Empty, or the ARN of an SNS topic."
  }
}

variable "alarm_email" {
  description = "Gets the alarms of the topic that is made here. It has to be confirmed once."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([^@\\s]+@[^@\\s]+\\.[^@\\s]+)?$", var.alarm_email))
    error_message = "Empty, or an e-mail address."
  }
}

variable "alarm_on_silence" {
  description = "This alarm is on until the worker runs. Say no only where no worker of this account writes the metric."
  type        = string
  default     = "yes"
  validation {
    condition     = contains(["yes", "no"], var.alarm_on_silence)
    error_message = "Yes or no."
  }
}

variable "canary" {
  description = "yes: every five minutes EventBridge puts a canary in the standard queue. It is not posted. The alarm hansho-canary is on when it does not reach the ledger. It needs the worker's metrics."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.canary)
    error_message = "Yes or no."
  }
}

variable "reconcile_alarm" {
  description = "Say yes where the worker compares with GuardDuty (ReconcileSchedule or ReconcileEvery). On from a failed comparison until the next successful one."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.reconcile_alarm)
    error_message = "Yes or no."
  }
}

variable "coverage_alarm" {
  description = "Say yes where the worker looks at the coverage (CoverageSchedule or CoverageEvery). On from a look that failed or found gaps until the next complete one."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.coverage_alarm)
    error_message = "Yes or no."
  }
}

variable "express_age_alarm_seconds" {
  description = "The alarm is on when the oldest message of the express lane is older than this."
  type        = number
  default     = 300
  validation {
    condition     = var.express_age_alarm_seconds >= 60 && var.express_age_alarm_seconds <= 1209600
    error_message = "60 to 1209600."
  }
}

variable "standard_age_alarm_seconds" {
  description = "The same for the standard lane, which may wait behind a storm."
  type        = number
  default     = 3600
  validation {
    condition     = var.standard_age_alarm_seconds >= 60 && var.standard_age_alarm_seconds <= 1209600
    error_message = "60 to 1209600."
  }
}
