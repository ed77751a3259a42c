# Written by infra/testing/terraform.py from infra/worker-ecs.yaml, which says why each thing is as it is. Change it there.

output "cluster_name" {
  description = "The cluster."
  value       = (local.own_cluster ? one(aws_ecs_cluster.cluster[*].name) : var.cluster_name)
}

output "service_name" {
  description = "The service."
  value       = aws_ecs_service.service.name
}

output "task_definition_arn" {
  description = "The task definition."
  value       = aws_ecs_task_definition.task.arn
}

output "task_role_arn" {
  description = "The role of the worker."
  value       = aws_iam_role.task_role.arn
}

output "execution_role_arn" {
  description = "The role that starts it."
  value       = aws_iam_role.execution_role.arn
}

output "security_group_id" {
  description = "The security group, to open something else to it."
  value       = aws_security_group.security_group.id
}
