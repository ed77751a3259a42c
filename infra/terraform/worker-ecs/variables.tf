# Written by infra/testing/terraform.py from infra/worker-ecs.yaml, which says why each thing is as it is. Change it there.

variable "image" {
  description = "The image, best with its digest, such as 111122223333.dkr.ecr.eu-central-1.amazonaws.com/hansho@sha256:..."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][A-Za-z0-9._:/@-]{1,510}$", var.image))
    error_message = "The name of an image with a tag or a digest."
  }
}

variable "repository_arn" {
  description = "The repository that the image is in. Empty if the image can be had without rights."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9._/-]+)?$", var.repository_arn))
    error_message = "Empty, or the ARN of an ECR repository."
  }
}

variable "cpu_architecture" {
  description = "The processor of the image. ARM64 costs a fifth less."
  type        = string
  default     = "ARM64"
  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "ARM64 or X86_64."
  }
}

variable "cluster_name" {
  description = "An ECS cluster of this region. Empty to make one, hansho."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{0,255}$", var.cluster_name))
    error_message = "Empty, or the name of a cluster."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string
}

variable "subnet_ids" {
  description = "Two or more subnets with a way to the internet, because Slack has no address in a VPC."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "DISABLED in private subnets with a NAT gateway. ENABLED in public subnets, where nothing can come in either."
  type        = string
  default     = "DISABLED"
  validation {
    condition     = contains(["ENABLED", "DISABLED"], var.assign_public_ip)
    error_message = "ENABLED or DISABLED."
  }
}

variable "task_count" {
  description = "One is enough for any pace that Slack allows. Two keep posting when one dies."
  type        = number
  default     = 1
  validation {
    condition     = var.task_count >= 1 && var.task_count <= 20
    error_message = "1 to 20."
  }
}

variable "cpu" {
  description = "256 is a quarter of a processor."
  type        = string
  default     = "256"
  validation {
    condition     = contains(["256", "512", "1024"], var.cpu)
    error_message = "256, 512 or 1024."
  }
}

variable "memory_mi_b" {
  description = "Memory. The worker's buffer is bounded, so 512 is enough."
  type        = string
  default     = "512"
  validation {
    condition     = contains(["512", "1024", "2048"], var.memory_mi_b)
    error_message = "512, 1024 or 2048. With Cpu 512 at least 1024, with Cpu 1024 at least 2048."
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

variable "reconcile_every" {
  description = "How often the worker compares the ledger with GuardDuty's findings and enqueues the missing ones. Needs infra/build --reconcile."
  type        = string
  default     = "off"
  validation {
    condition     = can(regex("^(off|[1-9][0-9]{0,3}[mhd])$", var.reconcile_every))
    error_message = "Off, or a time from 5m to 7d, such as 15m."
  }
}

variable "reconcile_regions" {
  description = "The regions whose findings are compared, and at which CoverageEvery looks. Needed with ReconcileEvery. Empty for a look at all regions that an account has enabled."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2}(,[a-z]{2,}(-[a-z]{2,})+-[0-9]{1,2})*)?$", var.reconcile_regions))
    error_message = "Empty, or names of regions with commas and no space between them."
  }
}

variable "coverage_every" {
  description = "How often the worker looks in which accounts and regions GuardDuty is on, and posts where it is not. Needs infra/build --full."
  type        = string
  default     = "off"
  validation {
    condition     = can(regex("^(off|[1-9][0-9]{0,3}[mhd])$", var.coverage_every))
    error_message = "Off, or a time from 10m to 7d, such as 1d."
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
