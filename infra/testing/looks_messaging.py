"""Checkers of queues, topics, buses and rules."""

from looks import checker, document

QUEUE_ATTRIBUTES = [
    "VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize", "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
]


@checker("AWS::SQS::Queue")
def queue(look):
    url = look.aws.sqs.get_queue_url(QueueName=look.ask("QueueName"))["QueueUrl"]
    look.judge("Ref", url.split("/", 3)[3] == look.physical.split("/", 3)[3], look.physical, url)
    found = look.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    look.judge("QueueName", found["QueueArn"] == look.stack.arn("sqs", look.asked["QueueName"]), look.asked["QueueName"], found["QueueArn"])
    for key in QUEUE_ATTRIBUTES:
        look.same(key, found.get(key))
    for key in ("RedrivePolicy", "RedriveAllowPolicy"):
        look.same(key, document(found.get(key, "null")))
    look.tagged(look.aws.sqs.list_queue_tags(QueueUrl=url).get("Tags"))


@checker("AWS::SQS::QueuePolicy")
def queue_policy(look):
    for url in look.ask("Queues"):
        found = look.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        look.same("PolicyDocument", document(found.get("Policy", "null")), look.asked["PolicyDocument"])


@checker("AWS::SNS::Topic")
def topic(look):
    arn = look.stack.arn("sns", look.ask("TopicName"))
    found = look.aws.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    look.judge("TopicName", look.physical == found["TopicArn"] == arn, arn, found["TopicArn"])
    look.same("KmsMasterKeyId", found.get("KmsMasterKeyId"))
    if "Subscription" in look.asked:
        listed = look.aws.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        look.same("Subscription", [{"Protocol": each["Protocol"], "Endpoint": each["Endpoint"]} for each in listed])
    look.tagged(look.aws.sns.list_tags_for_resource(ResourceArn=arn)["Tags"])


@checker("AWS::SNS::TopicPolicy")
def topic_policy(look):
    for arn in look.ask("Topics"):
        found = look.aws.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        look.same("PolicyDocument", document(found.get("Policy", "null")), look.asked["PolicyDocument"])


@checker("AWS::SNS::Subscription")
def subscription(look):
    listed = look.aws.sns.list_subscriptions_by_topic(TopicArn=look.ask("TopicArn"))["Subscriptions"]
    found = [each for each in listed if each["Endpoint"] == look.asked["Endpoint"]]
    look.judge("TopicArn", len(found) == 1, "one subscription", listed)
    look.same("Protocol", found[0]["Protocol"])
    look.same("Endpoint", found[0]["Endpoint"])


@checker("AWS::Events::EventBus")
def bus(look):
    found = look.aws.events.describe_event_bus(Name=look.ask("Name"))
    look.same("Name", found["Name"], look.asked["Name"])
    look.same("Description", found.get("Description"))
    look.tagged(look.aws.events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])


@checker("AWS::Events::EventBusPolicy")
def bus_policy(look):
    found = document(look.aws.events.describe_event_bus(Name=look.ask("EventBusName")).get("Policy") or "{}")
    wanted = {"Sid": look.ask("StatementId"), **look.ask("Statement")}
    there = [statement for statement in found.get("Statement", []) if statement.get("Sid") == wanted["Sid"]]
    look.same("Statement", there[0] if len(there) == 1 else there, wanted)


@checker("AWS::Events::Archive")
def archive(look):
    found = look.aws.events.describe_archive(ArchiveName=look.ask("ArchiveName"))
    look.same("SourceArn", found["EventSourceArn"])
    look.same("Description", found.get("Description"))
    look.same("RetentionDays", found.get("RetentionDays"))
    look.judge("ArchiveName", found["State"] == "ENABLED", "ENABLED", found["State"])


@checker("AWS::Events::Rule")
def rule(look):
    where = {"EventBusName": look.ask("EventBusName") or "default"}
    found = look.aws.events.describe_rule(Name=look.ask("Name"), **where)
    for key in ("State", "Description", "ScheduleExpression"):
        look.same(key, found.get(key))
    if "EventPattern" in look.asked:
        look.same("EventPattern", document(found["EventPattern"]))
    look.same("Name", found["Name"], look.asked["Name"])
    look.same("Targets", look.aws.events.list_targets_by_rule(Rule=look.asked["Name"], **where)["Targets"])
    if "Tags" in look.asked:
        look.tagged(look.aws.events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
