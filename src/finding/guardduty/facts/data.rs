//! Facts about data: buckets, their objects, logins to databases.

use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, known};
use super::super::schema::{
    BucketObject, DatabaseUser, Malware, PublicAccess, PublicGrant, Resource, Service,
};

pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>, service: &Service<'_>) {
    if let Some(bucket) = resource.buckets.first() {
        let object = bucket.objects.first();
        facts.add("Object", object.and_then(|object| object.describe(service)));
        facts.add("Public by", bucket.access.grants());
    }
    facts.add("Login", resource.database_user.describe_login());
}

impl BucketObject<'_> {
    /// `hash 0a1b…, version 3c4d…`. The resource has the key. A hash among those of the infected
    /// files is not repeated.
    fn describe(&self, service: &Service<'_>) -> Option<String> {
        let threats = service.malware().into_iter().flat_map(|threats| &threats.items);
        let hashes: Vec<_> = threats.flat_map(Malware::files).map(|(_, hash)| hash).collect();
        let hash = self.hash.as_deref().filter(|hash| !hashes.contains(&Some(hash)));
        Phrase::default()
            .with_labelled("hash", hash)
            .with_labelled("version", self.version.as_deref())
            .build()
    }
}

impl PublicAccess<'_> {
    /// `bucket policy (read), ACL (read, write)`. None if public access is blocked all the same.
    fn grants(&self) -> Option<String> {
        if self.effective.as_deref() == Some("NOT_PUBLIC") {
            return None;
        }
        let grants =
            [self.bucket.policy.describe("bucket policy"), self.bucket.acl.describe("ACL")];
        joined(grants, ", ")
    }
}

impl PublicGrant<'_> {
    fn describe(&self, label: &str) -> Option<String> {
        let (read, write) = (self.read == Some(true), self.write == Some(true));
        (read || write).then_some(())?;
        Phrase::new(label, None).with(read.then_some("read")).with(write.then_some("write")).build()
    }
}

impl DatabaseUser<'_> {
    /// `method SCRAM, encryption TLSv1.3`. Resource and actor have the names and the counts.
    fn describe_login(&self) -> Option<String> {
        Phrase::default()
            .with_labelled("method", known(&self.auth_method))
            .with_labelled("encryption", known(&self.encryption))
            .build()
    }
}
