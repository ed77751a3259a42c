# Written by infra/testing/terraform.py from infra/forwarder.yaml, which says why each thing is as it is. Change it there.

variable "home_bus_arn" {
  description = "The output BusArn of the pipeline's stack."
  type        = string
  validation {
    condition     = can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/hansho$", var.home_bus_arn))
    error_message = "The ARN of the bus, such as arn:aws:events:eu-central-1:111122223333:event-bus/hansho."
  }
}

variable "guard_duty_source" {
  description = "Keep aws.guardduty. It can be changed because nobody, on AWS or on most emulators of it, may put events whose source begins with aws., so a test has to use another one."
  type        = string
  default     = "aws.guardduty"
  validation {
    condition     = can(regex("^[a-z][a-z0-9._-]{1,63}$", var.guard_duty_source))
    error_message = "The source of an event, such as aws.guardduty."
  }
}

variable "malware_scans" {
  description = "Forward the results of Malware Protection for S3, the state of its plans, and whether GuardDuty's runtime agents are healthy. hansho drops clean scans, but each is a message. With a detector, GuardDuty also publishes a finding for each threat."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.malware_scans)
    error_message = "Say yes or no."
  }
}

variable "security_hub" {
  description = "Forward Security Hub's findings. They repeat GuardDuty's, which hansho recognises and posts once."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.security_hub)
    error_message = "Say yes or no."
  }
}

variable "custom_actions" {
  description = "With SecurityHub=yes: forward what people send by a custom action, findings and the results of insights. hansho posts it whatever its severity."
  type        = string
  default     = "yes"
  validation {
    condition     = contains(["yes", "no"], var.custom_actions)
    error_message = "Say yes or no."
  }
}

variable "inspector" {
  description = "Forward Inspector's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.inspector)
    error_message = "Say yes or no."
  }
}

variable "macie" {
  description = "Forward Macie's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.macie)
    error_message = "Say yes or no."
  }
}

variable "access_analyzer" {
  description = "Forward Access Analyzer's findings."
  type        = string
  default     = "no"
  validation {
    condition     = contains(["yes", "no"], var.access_analyzer)
    error_message = "Say yes or no."
  }
}

variable "alarm_topic_arn" {
  description = "A topic of this region that the alarms go to. An alarm can't use a topic of another region, so in a stack set give each region its own by a parameter override, or use AlarmEmail."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn))
    error_message = "Empty, or the ARN of an SNS topic."
  }
}

variable "alarm_email" {
  description = "Makes a topic in each region with this address. Each region sends one mail that has to be confirmed."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([^@\\s]+@[^@\\s]+\\.[^@\\s]+)?$", var.alarm_email))
    error_message = "Empty, or an e-mail address."
  }
}

variable "boundary_policy" {
  description = "The output BoundaryPolicyName of the execution role, such as hansho/hansho-boundary. hansho's own execution roles make no role without it. Empty where the stack is deployed with other rights."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([A-Za-z0-9+=,.@_/-]{1,256})?$", var.boundary_policy))
    error_message = "Empty, or path and name of a managed policy of this account, without a slash in front."
  }
}
