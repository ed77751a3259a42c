//! Describes the resource of a GuardDuty finding.

use std::borrow::Cow;

use super::super::arn::short_name;
use super::super::aws_types::plain_kind;
use super::super::lenient::Str;
use super::super::phrase::{Phrase, joined, known, listed, part, several};
use super::super::tags::Tags;
use super::super::text::Text;
use super::schema::{
    Activity, Bucket, Container, Database, DatabaseUser, Ecs, Instance, Lambda, Limitless,
    NAMED_MAX, PublicAccess, Resource, Service, Volumes, Workload,
};
use super::sequence::Sequence;

/// The `resourceType` of an attack sequence, which says nothing about what was hit.
const SEQUENCE: &str = "AttackSequence";

/// Describes the affected resource. The details that belong to its `resourceType` come first. If
/// there are none, or the type is unknown, the other details are tried, then the resources of the
/// call, the caller, and the name of the type.
pub(super) fn describe(resource: &Resource<'_>, service: &Service<'_>) -> Option<String> {
    let sequence = service.detection.sequence.as_ref();
    let kind = resource.kind.as_deref().unwrap_or_default().trim();
    resource
        .describe_kind(kind, sequence)
        .or_else(|| sequence.and_then(Sequence::describe_resources))
        .or_else(|| resource.describe_any())
        .or_else(|| service.activity.describe_affected())
        .or_else(|| resource.access_key.describe())
        .or_else(|| {
            Phrase::new(kind, None).build().filter(|_| !kind.eq_ignore_ascii_case(SEQUENCE))
        })
}

impl Resource<'_> {
    /// The tags of the first resource that has some.
    pub fn tags(&self) -> Vec<(Text, Text)> {
        let all = [
            self.buckets.first().map(|bucket| &bucket.tags),
            Some(&self.eks.tags),
            Some(&self.ecs.tags),
            Some(&self.lambda.tags),
            Some(&self.database.tags),
            Some(&self.instance.tags),
        ];
        let tags = all.into_iter().flatten().map(Tags::texts);
        tags.into_iter().find(|tags| !tags.is_empty()).unwrap_or_default()
    }

    /// Describes the details that belong to the `resourceType`.
    fn describe_kind(&self, kind: &str, sequence: Option<&Sequence<'_>>) -> Option<String> {
        match kind.to_ascii_lowercase().as_str() {
            "instance" => joined([self.instance.describe(), self.volumes.describe()], ", "),
            "accesskey" => self.describe_credentials(),
            "s3bucket" | "s3object" => self.describe_buckets(),
            "ekscluster" | "kubernetescluster" => self.describe_kubernetes(),
            "ecscluster" => self.ecs.describe(&self.container),
            "container" => self.container.describe(),
            "lambda" => self.lambda.describe(),
            "rdsdbinstance" => self.database.describe(&self.database_user),
            "rdslimitlessdb" => self.limitless.describe(&self.database_user),
            "attacksequence" => sequence.and_then(Sequence::describe_resources),
            _ => None,
        }
    }

    /// Describes the first details that are there, whatever the `resourceType`.
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

    /// `EC2 instance i-0abc (web-1), AssumedRole web (access key ASIA…, principal AROA…)`. The
    /// credentials of an instance have its id as their session, and were taken from it: it comes
    /// first.
    fn describe_credentials(&self) -> Option<String> {
        let id = self.instance.id.as_deref().or_else(|| self.access_key.instance());
        let key = self.access_key.describe_beside(id);
        let named = || Phrase::new("EC2 instance", Some(id?)).build();
        let instance = self.instance.describe().or_else(named);
        let (first, second) = match self.access_key.instance() {
            Some(_) => (instance, key),
            None => (key, instance),
        };
        joined([first, second, self.describe_buckets()], ", ")
    }

    /// `S3 bucket a (object k, not public)`, `S3 buckets a, b +2 more (public a)`.
    fn describe_buckets(&self) -> Option<String> {
        let buckets = &self.buckets.items;
        let names = buckets.iter().filter_map(Bucket::name).take(NAMED_MAX);
        let names = several(names, self.buckets.total)?;
        let objects = self.buckets.first().map(|bucket| &bucket.objects);
        let keys = objects.and_then(|objects| {
            let keys = objects.items.iter().filter_map(|object| name(&object.key, &object.arn));
            several(keys, objects.total)
        });
        let label = if self.buckets.total > 1 { "S3 buckets" } else { "S3 bucket" };
        let phrase = Phrase::of_list(label, Some(names)).with_list("object", keys);
        let access = self.buckets.first().and_then(|bucket| bucket.access.plain());
        if buckets.iter().all(|bucket| bucket.access.plain() == access) {
            return phrase.with(access).build();
        }
        let public = buckets.iter().filter(|bucket| bucket.access.plain() == Some("public"));
        let public: Vec<&str> = public.filter_map(Bucket::name).collect();
        let shown = public.iter().copied().take(NAMED_MAX);
        phrase.with_list("public", several(shown, public.len())).build()
    }

    fn describe_kubernetes(&self) -> Option<String> {
        let cluster = name(&self.eks.name, &self.eks.arn);
        let cluster = cluster.and_then(|name| Phrase::new("EKS cluster", Some(name)).build());
        joined([cluster, self.kubernetes.workload.describe()], ", ")
    }

    fn describe_backup(&self) -> Option<String> {
        let short = |arn: &Option<Cow<'_, str>>| arn.as_deref().map(short_name).map(str::to_owned);
        if let Some(snapshot) = short(&self.snapshot) {
            return Phrase::new("EBS snapshot", Some(&snapshot)).build();
        }
        if let Some(image) = short(&self.image) {
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

impl Activity<'_> {
    /// `CloudTrail trail audit, S3 bucket logs +1 more`: the resources of the call.
    pub fn describe_affected(&self) -> Option<String> {
        let affected = &self.api_call.affected.0;
        let shown = affected.iter().take(NAMED_MAX).filter_map(|(kind, name)| {
            Phrase::new(&plain_kind(kind), Some(short_name(name))).build()
        });
        listed(shown.collect(), affected.len())
    }
}

impl Instance<'_> {
    /// `EC2 instance i-0abc (web-1, t3.micro, 10.0.0.5, 198.51.100.1)`.
    pub(super) fn describe(&self) -> Option<String> {
        let interfaces = &self.interfaces.items;
        let private = interfaces.iter().find_map(|interface| interface.private.as_deref());
        let public = interfaces.iter().find_map(|interface| interface.public.as_deref());
        let v6 = interfaces.iter().find_map(|interface| interface.v6.first());
        self.id.as_deref()?;
        Phrase::new("EC2 instance", self.id.as_deref())
            .with(self.tags.name())
            .with(self.kind.as_deref())
            .with(private)
            .with(public.or(v6.map(AsRef::as_ref)))
            .build()
    }
}

impl Bucket<'_> {
    fn name(&self) -> Option<&str> {
        name(&self.name, &self.arn)
    }
}

impl PublicAccess<'_> {
    /// `public`, `not public`, or None if it is unknown.
    fn plain(&self) -> Option<&str> {
        match known(&self.effective)? {
            "PUBLIC" => Some("public"),
            "NOT_PUBLIC" => Some("not public"),
            other => Some(other),
        }
    }
}

/// The name, or that in the ARN.
fn name<'t>(name: &'t Str<'_>, arn: &'t Str<'_>) -> Option<&'t str> {
    name.as_deref().or_else(|| arn.as_deref().map(short_name))
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
        let images = images.take(NAMED_MAX);
        Phrase::new(self.kind.as_deref().unwrap_or("workload"), Some(&full))
            .with_list("image", several(images, self.containers.total))
            .build()
    }
}

impl Container<'_> {
    pub(super) fn describe(&self) -> Option<String> {
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
    /// `ECS cluster shop (task definition web:7, task 0a1b, image shop/web)`.
    fn describe(&self, container: &Container<'_>) -> Option<String> {
        let name = name(&self.name, &self.arn)?;
        let images = self.task.containers.items.iter().filter_map(Container::image_or_name);
        let images = several(images.take(NAMED_MAX), self.task.containers.total)
            .or_else(|| container.image_or_name().map(|text| part(text).into_owned()));
        Phrase::new("ECS cluster", Some(name))
            .with_labelled("task definition", self.task.definition.as_deref().map(short_name))
            .with_labelled("task", self.task.arn.as_deref().map(short_name))
            .with_list("image", images)
            .build()
    }
}

impl Lambda<'_> {
    fn describe(&self) -> Option<String> {
        let name = name(&self.name, &self.arn)?;
        Phrase::new("Lambda function", Some(name))
            .with_labelled("version", self.version.as_deref())
            .with_labelled("role", self.role.as_deref().map(short_name))
            .build()
    }
}

impl Database<'_> {
    /// `RDS instance orders (aurora-postgresql 15.4, cluster orders-cluster, user app)`.
    fn describe(&self, user: &DatabaseUser<'_>) -> Option<String> {
        let id = name(&self.id, &self.arn).or(self.cluster.as_deref())?;
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
