//! Finds the few silences that may name a finding, without asking all of them.
//!
//! Each silence has one or more keys, and only a finding with a text that begins like one of them
//! may be named by it. The keys are ordered, so that all that begin a text are found in one walk.
//! Types that may begin in any way, such as `*:S3/Anomalous`, are looked up backwards.

use super::{Silence, resource_texts};
use crate::finding::{Finding, Text};
use crate::policy::glob::Glob;
use crate::policy::matcher::MatchKey;

/// A silence with many accounts and many types has keys for its types alone.
const KEYS_MAX: usize = 256;

/// What a key begins with.
const ID: u8 = b'i';
const TYPE: u8 = b't';
/// A type, backwards.
const TYPE_END: u8 = b'e';
const RESOURCE: u8 = b'r';
/// Stands between the account and the type.
const GAP: u8 = b'\n';

#[derive(Debug, Default)]
pub struct Index {
    /// Keys, and the places of their silences. Ordered.
    keys: Vec<(Box<[u8]>, usize)>,
    /// A key is about resources, whose every word is looked up.
    has_resources: bool,
    /// A key is about the ends of types.
    has_ends: bool,
}

impl Index {
    pub fn of(silences: &[Silence]) -> Index {
        let keys = silences.iter().enumerate();
        let mut keys: Vec<(Box<[u8]>, usize)> = keys
            .flat_map(|(at, silence)| keys_of(silence).into_iter().map(move |key| (key, at)))
            .collect();
        keys.sort();
        keys.dedup();
        let has = |kind: u8| keys.iter().any(|(key, _)| key.first() == Some(&kind));
        Index { has_resources: has(RESOURCE), has_ends: has(TYPE_END), keys }
    }

    /// Tells the places of the silences that may name the finding, of `all`.
    pub fn candidates(&self, finding: &Finding, all: usize, mut tell: impl FnMut(usize)) {
        let resource = finding.resource.as_ref().map_or("", Text::as_str);
        if !finding.kind.as_str().is_ascii() || !resource.is_ascii() {
            // The small letter of a character beyond ASCII may be in ASCII.
            return (0..all).for_each(tell);
        }
        self.walk([&[ID], finding.fingerprint.id.as_bytes()], &mut tell);
        let (account, kind) = (finding.account.as_str().as_bytes(), finding.kind.as_str());
        self.walk([&[TYPE], account, &[GAP], kind.as_bytes()], &mut tell);
        self.walk([&[TYPE], &[GAP], kind.as_bytes()], &mut tell);
        if self.has_ends {
            let backwards: Vec<u8> = kind.bytes().rev().collect();
            self.walk([&[TYPE_END], account, &[GAP], &backwards], &mut tell);
            self.walk([&[TYPE_END], &[GAP], &backwards], &mut tell);
        }
        if self.has_resources {
            for text in resource_texts(resource) {
                self.walk([&[RESOURCE], text.as_bytes()], &mut tell);
            }
        }
    }

    /// Tells the places of the keys that the text begins with. The text has several pieces.
    fn walk<const N: usize>(&self, text: [&[u8]; N], tell: &mut impl FnMut(usize)) {
        let mut rest = self.keys.as_slice();
        let mut text = text.into_iter().flatten().map(u8::to_ascii_lowercase);
        for depth in 0.. {
            // Those that end here are the first in order.
            while let Some(((key, at), others)) = rest.split_first()
                && key.len() == depth
            {
                tell(*at);
                rest = others;
            }
            let Some(wanted) = text.next().filter(|_| !rest.is_empty()) else { return };
            let byte = |key: &[u8]| key.get(depth).copied();
            // Keys that begin alike need no search.
            if let (Some((first, _)), Some((last, _))) = (rest.first(), rest.last())
                && byte(first) == byte(last)
            {
                if byte(first) == Some(wanted) {
                    continue;
                }
                return;
            }
            let from = rest.partition_point(|(key, _)| byte(key) < Some(wanted));
            rest = rest.get(from..).unwrap_or_default();
            let to = rest.partition_point(|(key, _)| byte(key) == Some(wanted));
            rest = rest.get(..to).unwrap_or_default();
        }
    }
}

/// The keys of a silence. It has an id, a type or a resource.
fn keys_of(silence: &Silence) -> Vec<Box<[u8]>> {
    let key = |pieces: &[&[u8]]| pieces.concat().to_ascii_lowercase().into_boxed_slice();
    let types: Vec<Glob> = silence.types().into_iter().map(Glob::new).collect();
    if !silence.findings.is_empty() {
        return silence.findings.iter().map(|id| key(&[&[ID], id.as_bytes()])).collect();
    }
    if types.is_empty() {
        return silence.resources.iter().map(|glob| key(&[&[RESOURCE], glob.prefix()])).collect();
    }
    let mut accounts = silence.patterns(MatchKey::Account);
    if accounts.is_empty() || accounts.len() * types.len() > KEYS_MAX {
        accounts = vec![""];
    }
    let of_type = |account: &str, glob: &Glob| match glob.tail() {
        Some(tail) => {
            let backwards: Vec<u8> = tail.iter().rev().copied().collect();
            key(&[&[TYPE_END], account.as_bytes(), &[GAP], &backwards])
        }
        None => key(&[&[TYPE], account.as_bytes(), &[GAP], glob.prefix()]),
    };
    let pairs = accounts.iter().flat_map(|account| types.iter().map(move |glob| (account, glob)));
    pairs.map(|(account, glob)| of_type(account, glob)).collect()
}
