# Written by infra/testing/terraform.py from infra/worker-lambda.yaml, which says why each thing is as it is. Change it there.

variable "code_bucket" {
  description = "A bucket of this region that holds hansho-lambda.zip."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.code_bucket))
    error_message = "The name of a bucket."
  }
}

variable "code_key" {
  description = "The object. Give each version a new name, so that CloudFormation sees that it changed."
  type        = string
  default     = "hansho-lambda.zip"
  validation {
    condition     = length(var.code_key) <= 1024 && can(regex("^[A-Za-z0-9!_.*'()/-]+$", var.code_key))
    error_message = "The key of an object."
  }
}

variable "code_version" {
  description = "The version of the object, if the bucket keeps versions."
  type        = string
  default     = ""
  validation {
    condition     = length(var.code_version) <= 1024 && can(regex("^[A-Za-z0-9._-]*$", var.code_version))
    error_message = "Empty, or the version id of the object."
  }
}

variable "architecture" {
  description = "The processor of the binary in the zip. arm64 costs a fifth less."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Arm64 or x86_64."
  }
}

variable "destination_name" {
  description = "A name for the channel. The ledger knows it by this name, so with a new name everything is posted again."
  type        = string
  default     = "security"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{0,39}$", var.destination_name))
    error_message = "1 to 40 of a-z, 0-9, _ and -."
  }
}

variable "min_severity" {
  description = "The least severity that is posted."
  type        = string
  default     = "medium"
  validation {
    condition     = can(regex("^(informational|low|medium|high|critical|10(\\.0)?|[0-9](\\.[0-9])?)$", var.min_severity))
    error_message = "Informational, low, medium, high, critical, or a number from 0 to 10."
  }
}

variable "mention_medium" {
  description = "Whom a medium finding mentions. Empty for nobody, or what the configuration file says."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(<[!@][A-Za-z0-9^|._ -]{1,80}>)?$", var.mention_medium))
    error_message = "Empty, or a mention in Slack's form, such as <!channel>."
  }
}

variable "mention_high" {
  description = "Whom a high finding mentions. Empty for nobody, or what the configuration file says."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(<[!@][A-Za-z0-9^|._ -]{1,80}>)?$", var.mention_high))
    error_message = "Empty, or a mention in Slack's form, such as <!subteam^S0123|sre>."
  }
}

variable "mention_critical" {
  description = "Whom a critical finding mentions. Empty for nobody, or what the configuration file says."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(<[!@][A-Za-z0-9^|._ -]{1,80}>)?$", var.mention_critical))
    error_message = "Empty, or a mention in Slack's form, such as <!here>."
  }
}

variable "extra_secret_arns" {
  description = "Webhooks of further channels, which the worker may read. The channels themselves are in the configuration file."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+(,arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+)*)?$", var.extra_secret_arns))
    error_message = "Empty, or ARNs of secrets with a comma and no space between them."
  }
}

variable "log_level" {
  description = "How much the worker logs."
  type        = string
  default     = "info"
  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "Error, warn, info or debug."
  }
}

variable "endpoint_url" {
  description = "Empty on AWS. Where an emulator stands in for AWS, its URL. No public host is taken."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(https?://(127(\\.[0-9]{1,3}){3}|10(\\.[0-9]{1,3}){3}|192\\.168(\\.[0-9]{1,3}){2}|172\\.(1[6-9]|2[0-9]|3[01])(\\.[0-9]{1,3}){2}|([a-z0-9-]+\\.)*(internal|local|localhost|test)|[a-z][a-z0-9-]*)(:[0-9]{1,5})?/?)?$", var.endpoint_url))
    error_message = "Empty, or a URL of this machine or of a private network, such as http://127.0.0.1:4566."
  }
}

variable "memory_mi_b" {
  description = "Memory, and with it the share of a processor."
  type        = number
  default     = 256
  validation {
    condition     = var.memory_mi_b >= 128 && var.memory_mi_b <= 3008
    error_message = "128 to 3008 MiB."
  }
}

variable "standard_batch_size" {
  description = "How many messages of the standard lane one call gets at most. More share fewer posts; messages that do not fit into a call's time are returned."
  type        = number
  default     = 100
  validation {
    condition     = var.standard_batch_size >= 1 && var.standard_batch_size <= 10000
    error_message = "1 to 10000."
  }
}

variable "standard_window_seconds" {
  description = "How long Lambda gathers messages of the standard lane before it calls."
  type        = number
  default     = 5
  validation {
    condition     = var.standard_window_seconds >= 1 && var.standard_window_seconds <= 300
    error_message = "1 to 300 seconds."
  }
}

variable "standard_concurrency" {
  description = "How many calls for the standard lane may run at a time. Slack's pace is one for all of them, so more calls do not post faster."
  type        = number
  default     = 2
  validation {
    condition     = var.standard_concurrency >= 2 && var.standard_concurrency <= 1000
    error_message = "2 to 1000."
  }
}

variable "fleet" {
  description = "StandardConcurrency plus two for the express lane. While the ledger is unreachable, each call uses its share of the pace."
  type        = number
  default     = 4
  validation {
    condition     = var.fleet >= 4 && var.fleet <= 1002
    error_message = "4 to 1002."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent calls that the account reserves for this function. At least Fleet plus one for the heartbeat: a throttled call costs each of its messages a receive."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([1-9][0-9]{0,3})?$", var.reserved_concurrency))
    error_message = "Empty, or a number from 1 to 9999."
  }
}

variable "alarm_topic_arn" {
  description = "The output AlarmTopicArn of the pipeline's stack. Empty for the topic hansho-alarms that it makes. Not imported, so that it can change."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn))
    error_message = "Empty, or the ARN of an SNS topic."
  }
}

variable "heartbeat" {
  description = "Calls the function every five minutes, so that it reports that it is healthy. Without findings nothing else does, and the alarm hansho-heartbeat would be on."
  type        = string
  default     = "yes"
  validation {
    condition     = contains(["yes", "no"], var.heartbeat)
    error_message = "Say yes or no."
  }
}

variable "reconcile_schedule" {
  description = "How often the function compares the ledger with GuardDuty's findings and enqueues the missing ones. Needs infra/build --reconcile."
  type        = string
  default     = "off"
  validation {
    condition     = can(regex("^(off|rate\\([1-9][0-9]{0,3} (minute|minutes|hour|hours|day|days)\\)|cron\\([0-9A-Za-z*?,/# -]{11,100}\\))$", var.reconcile_schedule))
    error_message = "Off, or a schedule in EventBridge's form, such as rate(15 minutes)."
  }
}

variable "reconcile_regions" {
  description = "The regions whose findings are compared, and at which CoverageSchedule looks. Needed with ReconcileSchedule. Empty for a look at all regions that an account has enabled."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2}(,[a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2})*)?$", var.reconcile_regions))
    error_message = "Empty, or names of regions with commas and no space between them."
  }
}

variable "coverage_schedule" {
  description = "How often the function looks in which accounts and regions GuardDuty is on, and posts where it is not. Needs infra/build --full."
  type        = string
  default     = "off"
  validation {
    condition     = can(regex("^(off|rate\\([1-9][0-9]{0,3} (minute|minutes|hour|hours|day|days)\\)|cron\\([0-9A-Za-z*?,/# -]{11,100}\\))$", var.coverage_schedule))
    error_message = "Off, or a schedule in EventBridge's form, such as rate(1 day)."
  }
}

variable "customer_key_arn" {
  description = "The output KeyArn of the pipeline's stack. Empty where it has no key of its own."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64})?$", var.customer_key_arn))
    error_message = "Empty, or the ARN of a KMS key."
  }
}

variable "express_queue_arn" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "express_queue_url" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "ledger_table_arn" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "ledger_table_name" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "quarantine_queue_arn" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "quarantine_queue_url" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "standard_queue_arn" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "standard_queue_url" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "webhook_secret_arn" {
  description = "The output of the same name of the module pipeline."
  type        = string
}

variable "worker_log_name" {
  description = "The output of the same name of the module pipeline."
  type        = string
}
