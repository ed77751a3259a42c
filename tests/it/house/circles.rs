//! No circles between the files of a folder.
//!
//! A file and the folder of its submodules count as one. The file of the folder itself (`mod.rs`,
//! or `x.rs` beside `x/`) is left out: a module and its children know each other. A name that this
//! file passes on from a child is a use of the child.

use std::collections::{BTreeMap, BTreeSet};

use super::not_yet;
use super::source::{Source, is_word, sources};

type Path = Vec<String>;

/// The modules of each file, from the root of the crate: `src/aws/sqs/remote.rs` is `[aws, sqs,
/// remote]`.
fn module(file: &str) -> Path {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Path = path.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// All paths of a `use`, its braces expanded: `a::{b, c::d}` is `[a, b]` and `[a, c, d]`.
fn expand(tree: &str, before: &[String], all: &mut Vec<Path>) {
    let (head, braces) = match tree.split_once('{') {
        Some((head, rest)) => (head, rest.rsplit_once('}').map(|(inside, _)| inside)),
        None => (tree.split(" as ").next().unwrap_or(tree), None),
    };
    let mut path = before.to_vec();
    path.extend(head.split("::").map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()));
    let Some(inside) = braces else { return all.push(path) };
    let (mut depth, mut from) = (0, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[from..at].trim().is_empty() {
                    expand(&inside[from..at], &path, all);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The paths that a file names, in a `use` or in its code, as they are written.
fn written(code: &str) -> Vec<Path> {
    let mut all = Vec::new();
    let starts = code.match_indices("use ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    for (at, _) in starts {
        let tree = code[at + 4..].split(';').next().unwrap_or_default();
        expand(tree, &[], &mut all);
    }
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            if !code[..at].ends_with(|c: char| is_word(c) || c == ':') {
                let rest = &code[at..];
                let end = rest.find(|c: char| !is_word(c) && c != ':').unwrap_or(rest.len());
                expand(rest[..end].trim_end_matches(':'), &[], &mut all);
            }
        }
    }
    all
}

/// A path as written in a module, from the root of the crate. None: it is another crate's.
fn resolve(path: &[String], module: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
    let mut from = module.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (from, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while let Some(("super", others)) = rest.split_first().map(|(f, o)| (f.as_str(), o)) {
                from.pop();
                rest = others;
            }
        }
        first => {
            let child: Path = module.iter().cloned().chain([first.to_owned()]).collect();
            modules.contains(&child).then_some(())?;
        }
    }
    from.extend(rest.iter().cloned());
    Some(from)
}

/// Which child of a folder uses which other child, by the folder's module.
fn graphs(sources: &[Source]) -> BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> {
    let modules: BTreeSet<Path> = sources.iter().map(|source| module(&source.path)).collect();
    // The names that a module passes on, and the child that they come from.
    let mut passed_on: BTreeMap<Path, Path> = BTreeMap::new();
    let named: Vec<(Path, Vec<Path>)> = sources
        .iter()
        .map(|source| {
            let module = module(&source.path);
            let resolve = |path: Path| resolve(&path, &module, &modules);
            let paths: Vec<Path> = written(&source.code).into_iter().filter_map(resolve).collect();
            (module, paths)
        })
        .collect();
    for (module, paths) in &named {
        for path in paths.iter().filter(|p| p.starts_with(module) && p.len() > module.len() + 1) {
            let name = module.iter().chain(path.last()).cloned().collect();
            passed_on.entry(name).or_insert_with(|| path.clone());
        }
    }
    let mut graphs: BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (module, paths) in &named {
        for path in paths {
            let path = passed_on.get(path).unwrap_or(path);
            let shared = module.iter().zip(path).take_while(|(a, b)| a == b).count();
            let (Some(one), Some(other)) = (module.get(shared), path.get(shared)) else { continue };
            let child: Path = path[..=shared].to_vec();
            if modules.contains(&child) || modules.iter().any(|m| m.starts_with(&child)) {
                let folder = graphs.entry(path[..shared].to_vec()).or_default();
                folder.entry(one.clone()).or_default().insert(other.clone());
            }
        }
    }
    graphs
}

fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(name) = next.pop() {
        for other in graph.get(&name).into_iter().flatten() {
            if reached.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    reached
}

/// One line for each circle: the folder, and the modules that reach each other.
fn circles(sources: &[Source]) -> Vec<String> {
    let mut all = Vec::new();
    for (folder, graph) in graphs(sources) {
        let mut seen = BTreeSet::new();
        for name in graph.keys() {
            let reached = reaches(&graph, name);
            let reaches_back = |other: &&String| reaches(&graph, other).contains(name);
            let circle: BTreeSet<String> = reached.iter().filter(reaches_back).cloned().collect();
            if reached.contains(name) && seen.insert(circle.clone()) {
                let within = |name: &String| {
                    let used = graph[name].iter().filter(|other| circle.contains(*other));
                    format!("{name} uses {}", used.cloned().collect::<Vec<_>>().join(", "))
                };
                let uses: Vec<String> = circle.iter().map(within).collect();
                let folder = ["src"].into_iter().chain(folder.iter().map(String::as_str));
                let folder = folder.collect::<Vec<_>>().join("/");
                all.push(format!("{folder}/: a circle: {}", uses.join("; ")));
            }
        }
    }
    all
}

#[test]
fn no_folder_has_a_circle_of_files() {
    not_yet::assert_none(circles(&sources()), not_yet::CIRCLES);
}

#[test]
fn the_check_of_circles_bites() {
    let found = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(p, text)| Source::new(p, text)).collect();
        circles(&sources).len()
    };
    for (one, other, count) in [
        ("use super::b::X;", "use super::a;", 1),
        ("use super::{c, b::{X, Y}};", "fn f() { crate::f::a::g() }", 1),
        ("use crate::f::B;", "use super::a::X;", 1),
        ("use super::b::X;", "use super::c;", 0),
        ("use super::b::X;", "// super::a::X\nconst X: &str = \"super::a::X\";", 0),
        ("use super::b::X;", "#[cfg(test)]\nmod tests {\n use super::super::a;\n}", 0),
        ("use super::Own;", "use super::Own;", 0),
    ] {
        let files = [
            ("src/f/mod.rs", "mod a; mod b; mod c;\npub use b::{B, Z as Q};\npub struct Own;"),
            ("src/f/a.rs", one),
            ("src/f/b.rs", other),
            ("src/f/c.rs", ""),
        ];
        assert_eq!(found(&files), count, "{one} {other}");
    }
    let deep = [
        ("src/f/a/x.rs", "use super::super::b::Y;"),
        ("src/f/a/mod.rs", "mod x;"),
        ("src/f/b.rs", "use super::a::x::X;"),
    ];
    assert_eq!(found(&deep), 1);
}
