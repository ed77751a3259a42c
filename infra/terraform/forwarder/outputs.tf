# Written by infra/testing/terraform.py from infra/forwarder.yaml, which says why each thing is as it is. Change it there.

output "rule_arn" {
  description = "The rule that forwards."
  value       = aws_cloudwatch_event_rule.rule.arn
}

output "role_arn" {
  description = "The role with which it forwards."
  value       = aws_iam_role.forwarder_role.arn
}

output "dead_letter_queue_url" {
  description = "Where what could not be forwarded waits."
  value       = aws_sqs_queue.dead_letter_queue.url
}

output "dead_letter_queue_arn" {
  description = "The same, as an ARN."
  value       = aws_sqs_queue.dead_letter_queue.arn
}
