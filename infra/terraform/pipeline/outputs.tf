# Written by infra/testing/terraform.py from infra/pipeline.yaml, which says why each thing is as it is. Change it there.

output "bus_arn" {
  description = "Give it to the forwarder's stack set as HomeBusArn."
  value       = aws_cloudwatch_event_bus.bus.arn
}

output "express_queue_url" {
  description = "The express lane."
  value       = aws_sqs_queue.express_queue.url
}

output "express_queue_arn" {
  value = aws_sqs_queue.express_queue.arn
}

output "standard_queue_url" {
  description = "The standard lane."
  value       = aws_sqs_queue.standard_queue.url
}

output "standard_queue_arn" {
  value = aws_sqs_queue.standard_queue.arn
}

output "quarantine_queue_url" {
  description = "Unreadable or refused messages."
  value       = aws_sqs_queue.quarantine_queue.url
}

output "quarantine_queue_arn" {
  value = aws_sqs_queue.quarantine_queue.arn
}

output "dead_letter_queue_url" {
  description = "Messages received too often."
  value       = aws_sqs_queue.dead_letter_queue.url
}

output "dead_letter_queue_arn" {
  value = aws_sqs_queue.dead_letter_queue.arn
}

output "undelivered_queue_url" {
  description = "Events that were not delivered."
  value       = aws_sqs_queue.undelivered_queue.url
}

output "undelivered_queue_arn" {
  value = aws_sqs_queue.undelivered_queue.arn
}

output "ledger_table_name" {
  description = "The ledger."
  value       = aws_dynamodb_table.ledger.name
}

output "ledger_table_arn" {
  value = aws_dynamodb_table.ledger.arn
}

output "webhook_secret_arn" {
  description = "The secret that holds the webhook."
  value       = aws_secretsmanager_secret.webhook_secret.arn
}

output "worker_log_name" {
  description = "The worker's log."
  value       = aws_cloudwatch_log_group.worker_log.name
}

output "worker_log_arn" {
  description = "The worker's log, as an ARN that ends in a colon and a star."
  value       = "${aws_cloudwatch_log_group.worker_log.arn}:*"
}

output "alarm_topic_arn" {
  description = "Where the alarms go."
  value       = (local.own_topic ? one(aws_sns_topic.alarm_topic[*].arn) : var.alarm_topic_arn)
}

output "key_arn" {
  description = "The customer key. Give it to the worker's and the operator's stack as CustomerKeyArn."
  value       = one(aws_kms_key.key[*].arn)
}

output "archive_arn" {
  description = "The archive, for a replay."
  value       = one(aws_cloudwatch_event_archive.archive[*].arn)
}
