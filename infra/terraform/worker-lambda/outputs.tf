# Written by infra/testing/terraform.py from infra/worker-lambda.yaml, which says why each thing is as it is. Change it there.

output "function_name" {
  description = "The function."
  value       = aws_lambda_function.function.function_name
}

output "function_arn" {
  description = "The function, as an ARN."
  value       = aws_lambda_function.function.arn
}

output "role_arn" {
  description = "Its role."
  value       = aws_iam_role.role.arn
}

output "express_mapping_id" {
  description = "The event source mapping of the express lane."
  value       = aws_lambda_event_source_mapping.express_mapping.uuid
}

output "standard_mapping_id" {
  description = "The event source mapping of the standard lane."
  value       = aws_lambda_event_source_mapping.standard_mapping.uuid
}
