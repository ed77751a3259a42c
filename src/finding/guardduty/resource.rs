//! What a GuardDuty finding is about.

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::lenient::{List, Str, object};
use super::super::phrase::{Phrase, joined, part, principal, several};
use super::actor::Activity;
use super::remote::NameTag;
use super::sequence::Sequence;

/// So many of several are named.
const NAMED_MAX: usize = 3;

object! {
    struct Resource<'a> {
        kind: Str<'a> = "resourceType",
        instance: Instance<'a> = "instanceDetails",
        access_key: AccessKey<'a> = "accessKeyDetails",
        buckets: List<Bucket<'a>, NAMED_MAX> = "s3BucketDetails",
        eks: Named<'a> = "eksClusterDetails",
        kubernetes: Kubernetes<'a> = "kubernetesDetails",
        ecs: Ecs<'a> = "ecsClusterDetails",
        container: Container<'a> = "containerDetails",
        lambda: Lambda<'a> = "lambdaDetails",
        database: Database<'a> = "rdsDbInstanceDetails",
        limitless: Limitless<'a> = "rdsLimitlessDbDetails",
        database_user: DatabaseUser<'a> = "rdsDbUserDetails",
        volumes: Volumes<'a> = "ebsVolumeDetails",
        snapshot: Snapshot<'a> = "ebsSnapshotDetails",
        image: Image<'a> = "ec2ImageDetails",
        recovery_point: RecoveryPoint<'a> = "recoveryPointDetails",
        guardrail: Guardrail<'a> = "bedrockGuardrailDetails",
        models: List<Model<'a>, NAMED_MAX> = "modelDetails",
    }
    struct Instance<'a> {
        id: Str<'a> = "instanceId",
        kind: Str<'a> = "instanceType",
        tags: NameTag<'a> = "tags",
        interfaces: List<Interface<'a>, NAMED_MAX> = "networkInterfaces",
    }
    struct Interface<'a> {
        private: Str<'a> = "privateIpAddress",
        public: Str<'a> = "publicIp",
        v6: List<Cow<'a, str>, 1> = "ipv6Addresses",
    }
    struct AccessKey<'a> {
        id: Str<'a> = "accessKeyId",
        principal: Str<'a> = "principalId",
        user: Str<'a> = "userName",
        kind: Str<'a> = "userType",
    }
    struct Bucket<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
        access: Access<'a> = "publicAccess",
        objects: List<Object<'a>, NAMED_MAX> = "s3ObjectDetails",
    }
    struct Access<'a> {
        effective: Str<'a> = "effectivePermission",
    }
    struct Object<'a> {
        key: Str<'a> = "key",
        arn: Str<'a> = "objectArn",
    }
    struct Named<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
    }
    struct Kubernetes<'a> {
        user: User<'a> = "kubernetesUserDetails",
        workload: Workload<'a> = "kubernetesWorkloadDetails",
    }
    struct User<'a> {
        name: Str<'a> = "username",
    }
    struct Workload<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
        namespace: Str<'a> = "namespace",
        containers: List<Container<'a>, NAMED_MAX> = "containers",
    }
    struct Container<'a> {
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        image: Str<'a> = "image",
    }
    struct Ecs<'a> {
        name: Str<'a> = "name",
        arn: Str<'a> = "arn",
        task: Task<'a> = "taskDetails",
    }
    struct Task<'a> {
        arn: Str<'a> = "arn",
        definition: Str<'a> = "definitionArn",
        containers: List<Container<'a>, NAMED_MAX> = "containers",
    }
    struct Lambda<'a> {
        name: Str<'a> = "functionName",
        arn: Str<'a> = "functionArn",
        version: Str<'a> = "functionVersion",
        role: Str<'a> = "role",
    }
    struct Database<'a> {
        id: Str<'a> = "dbInstanceIdentifier",
        arn: Str<'a> = "dbInstanceArn",
        cluster: Str<'a> = "dbClusterIdentifier",
        engine: Str<'a> = "engine",
        version: Str<'a> = "engineVersion",
    }
    struct Limitless<'a> {
        id: Str<'a> = "dbShardGroupIdentifier",
        cluster: Str<'a> = "dbClusterIdentifier",
        engine: Str<'a> = "engine",
    }
    struct DatabaseUser<'a> {
        name: Str<'a> = "user",
        database: Str<'a> = "database",
        application: Str<'a> = "application",
    }
    struct Volumes<'a> {
        scanned: List<Volume<'a>, NAMED_MAX> = "scannedVolumeDetails",
        skipped: List<Volume<'a>, NAMED_MAX> = "skippedVolumeDetails",
    }
    struct Volume<'a> {
        arn: Str<'a> = "volumeArn",
        device: Str<'a> = "deviceName",
    }
    struct Snapshot<'a> {
        arn: Str<'a> = "snapshotArn",
    }
    struct Image<'a> {
        arn: Str<'a> = "imageArn",
    }
    struct RecoveryPoint<'a> {
        arn: Str<'a> = "recoveryPointArn",
        vault: Str<'a> = "backupVaultName",
    }
    struct Guardrail<'a> {
        arn: Str<'a> = "guardrailArn",
        version: Str<'a> = "guardrailVersion",
    }
    struct Model<'a> {
        id: Str<'a> = "modelId",
    }
}

impl Resource<'_> {
    /// What the finding is about, by its `resourceType`; for a type that is not known here (or is
    /// missing), whatever details there are; else what the call was about, who made it, and at
    /// last the type's name.
    pub fn describe(
        &self,
        sequence: Option<&Sequence<'_>>,
        activity: &Activity<'_>,
    ) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default().trim();
        let named = match kind.to_ascii_lowercase().as_str() {
            "instance" => joined([self.instance.describe(), self.volumes.describe()], ", "),
            "accesskey" => joined([self.access_key.describe(), self.describe_buckets()], ", "),
            "s3bucket" | "s3object" => self.describe_buckets(),
            "ekscluster" | "kubernetescluster" => self.describe_kubernetes(),
            "ecscluster" => self.ecs.describe(&self.container),
            "container" => self.container.describe(),
            "lambda" => self.lambda.describe(),
            "rdsdbinstance" => self.database.describe(&self.database_user),
            "rdslimitlessdb" => self.limitless.describe(&self.database_user),
            "attacksequence" => sequence.and_then(Sequence::describe_resources),
            _ => None,
        };
        let sequenced = || sequence.and_then(Sequence::describe_resources);
        named
            .or_else(sequenced)
            .or_else(|| self.describe_any())
            .or_else(|| activity.describe_affected())
            .or_else(|| self.access_key.describe())
            .or_else(|| Phrase::new(kind, None).build())
    }

    fn describe_any(&self) -> Option<String> {
        self.describe_buckets()
            .or_else(|| self.describe_kubernetes())
            .or_else(|| self.ecs.describe(&self.container))
            .or_else(|| self.lambda.describe())
            .or_else(|| self.database.describe(&self.database_user))
            .or_else(|| self.limitless.describe(&self.database_user))
            .or_else(|| self.container.describe())
            .or_else(|| self.describe_backup())
            .or_else(|| self.describe_model())
            .or_else(|| joined([self.instance.describe(), self.volumes.describe()], ", "))
    }

    /// `S3 bucket a, b +2 more (PUBLIC)`, or the objects in it.
    fn describe_buckets(&self) -> Option<String> {
        let names = self.buckets.items.iter().filter_map(Bucket::name);
        let names = several(names, self.buckets.total)?;
        let objects = self.buckets.first().map(|bucket| &bucket.objects);
        let keys = objects.and_then(|objects| {
            several(objects.items.iter().filter_map(|object| object.name()), objects.total)
        });
        let access = self.buckets.first().and_then(|bucket| bucket.access.effective.as_deref());
        let label = if self.buckets.total > 1 { "S3 buckets" } else { "S3 bucket" };
        Phrase::of_list(label, Some(names))
            .with_list("object", keys)
            .with(access.filter(|access| *access != "NOT_PUBLIC" && *access != "UNKNOWN"))
            .build()
    }

    fn describe_kubernetes(&self) -> Option<String> {
        let cluster = Phrase::new("EKS cluster", self.eks.name()).build();
        let cluster = cluster.filter(|_| self.eks.name().is_some());
        joined([cluster, self.kubernetes.workload.describe()], ", ")
    }

    fn describe_backup(&self) -> Option<String> {
        let short = |arn: &Option<Cow<'_, str>>| arn.as_deref().map(short_name).map(str::to_owned);
        if let Some(snapshot) = short(&self.snapshot.arn) {
            return Phrase::new("EBS snapshot", Some(&snapshot)).build();
        }
        if let Some(image) = short(&self.image.arn) {
            return Phrase::new("machine image", Some(&image)).build();
        }
        let point = short(&self.recovery_point.arn)?;
        Phrase::new("recovery point", Some(&point))
            .with_labelled("vault", self.recovery_point.vault.as_deref())
            .build()
    }

    fn describe_model(&self) -> Option<String> {
        if let Some(arn) = self.guardrail.arn.as_deref() {
            return Phrase::new("Bedrock guardrail", Some(short_name(arn)))
                .with_labelled("version", self.guardrail.version.as_deref())
                .build();
        }
        let models = self.models.items.iter().filter_map(|model| model.id.as_deref());
        let models = several(models.map(short_name), self.models.total)?;
        Phrase::of_list("model", Some(models)).build()
    }
}

impl Instance<'_> {
    /// `EC2 instance i-0abc (t3.micro, web-1, private 10.0.0.5, public 198.51.100.1)`.
    fn describe(&self) -> Option<String> {
        let interfaces = &self.interfaces.items;
        let private = interfaces.iter().find_map(|interface| interface.private.as_deref());
        let public = interfaces.iter().find_map(|interface| interface.public.as_deref());
        let v6 = interfaces.iter().find_map(|interface| interface.v6.first());
        self.id.as_deref()?;
        Phrase::new("EC2 instance", self.id.as_deref())
            .with(self.kind.as_deref())
            .with(self.tags.value())
            .with_labelled("private", private)
            .with_labelled("public", public.or(v6.map(AsRef::as_ref)))
            .build()
    }
}

impl AccessKey<'_> {
    /// `IAMUser alice (access key AKIA…)`, `AssumedRole Admin (…)`, `root user (…)`.
    pub fn describe(&self) -> Option<String> {
        let name = self.user.as_deref().or(self.principal.as_deref());
        if name.is_none() && self.id.is_none() {
            return None;
        }
        principal(self.kind.as_deref(), "principal", name)
            .with_labelled("access key", self.id.as_deref())
            .build()
    }
}

impl Bucket<'_> {
    fn name(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.arn.as_deref().map(short_name))
    }
}

impl Object<'_> {
    fn name(&self) -> Option<&str> {
        self.key.as_deref().or_else(|| self.arn.as_deref().map(short_name))
    }
}

impl Named<'_> {
    fn name(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.arn.as_deref().map(short_name))
    }
}

impl User<'_> {
    /// Who called the cluster: told with the actor.
    pub fn describe(&self) -> Option<String> {
        Phrase::new("Kubernetes user", Some(self.name.as_deref()?)).build()
    }
}

impl Workload<'_> {
    /// `pods kube-system/miner (image evil/miner)`.
    fn describe(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let full = match self.namespace.as_deref() {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        let images = self.containers.items.iter().filter_map(Container::image_or_name);
        Phrase::new(self.kind.as_deref().unwrap_or("workload"), Some(&full))
            .with_list("image", several(images, self.containers.total))
            .build()
    }
}

impl Container<'_> {
    fn describe(&self) -> Option<String> {
        let name = self.name.as_deref().or(self.id.as_deref());
        if name.is_none() && self.image.is_none() {
            return None;
        }
        Phrase::new("container", name).with_labelled("image", self.image.as_deref()).build()
    }

    fn image_or_name(&self) -> Option<&str> {
        self.image.as_deref().or(self.name.as_deref())
    }
}

impl Ecs<'_> {
    /// `ECS cluster shop (task 0a1b, image shop/web)`.
    fn describe(&self, container: &Container<'_>) -> Option<String> {
        let name = self.name.as_deref().or_else(|| self.arn.as_deref().map(short_name))?;
        let task = self.task.arn.as_deref().or(self.task.definition.as_deref());
        let images = self.task.containers.items.iter().filter_map(Container::image_or_name);
        let images = several(images, self.task.containers.total)
            .or_else(|| container.image_or_name().map(|text| part(text).into_owned()));
        Phrase::new("ECS cluster", Some(name))
            .with_labelled("task", task.map(short_name))
            .with_list("image", images)
            .build()
    }
}

impl Lambda<'_> {
    fn describe(&self) -> Option<String> {
        let name = self.name.as_deref().or_else(|| self.arn.as_deref().map(short_name))?;
        let version = self.version.as_deref().filter(|version| *version != "$LATEST");
        Phrase::new("Lambda function", Some(name))
            .with_labelled("version", version)
            .with_labelled("role", self.role.as_deref().map(short_name))
            .build()
    }
}

impl Database<'_> {
    /// `RDS instance orders (aurora-postgresql 15.4, cluster orders-cluster, user app)`.
    fn describe(&self, user: &DatabaseUser<'_>) -> Option<String> {
        let id = self.id.as_deref().or_else(|| self.arn.as_deref().map(short_name));
        let id = id.or(self.cluster.as_deref())?;
        let engine = joined([self.engine.clone(), self.version.clone()].map(owned), " ");
        user.add_to(
            Phrase::new("RDS instance", Some(id))
                .with(engine.as_deref())
                .with_labelled("cluster", self.cluster.as_deref().filter(|cluster| *cluster != id)),
        )
        .build()
    }
}

fn owned(text: Str<'_>) -> Option<String> {
    text.map(Cow::into_owned)
}

impl Limitless<'_> {
    fn describe(&self, user: &DatabaseUser<'_>) -> Option<String> {
        let id = self.id.as_deref().or(self.cluster.as_deref())?;
        user.add_to(
            Phrase::new("RDS Limitless shard group", Some(id))
                .with(self.engine.as_deref())
                .with_labelled("cluster", self.cluster.as_deref().filter(|cluster| *cluster != id)),
        )
        .build()
    }
}

impl DatabaseUser<'_> {
    fn add_to<'t>(&'t self, phrase: Phrase<'t>) -> Phrase<'t> {
        phrase
            .with_labelled("user", self.name.as_deref())
            .with_labelled("database", self.database.as_deref())
            .with_labelled("application", self.application.as_deref())
    }
}

impl Volumes<'_> {
    fn describe(&self) -> Option<String> {
        let volumes = if self.scanned.items.is_empty() { &self.skipped } else { &self.scanned };
        let names = volumes.items.iter().filter_map(|volume| {
            volume.arn.as_deref().map(short_name).or(volume.device.as_deref())
        });
        let names = several(names, volumes.total)?;
        Phrase::of_list("EBS volume", Some(names)).build()
    }
}
