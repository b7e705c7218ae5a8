//! What documents name is there: tests, mutations, and the functions that the models stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every Rust source below a folder: its path there, and its text.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let base = root().join(folder);
    let mut folders = vec![base.clone()];
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&base).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// What stands in backquotes, each with the text before it.
fn quoted(text: &str) -> Vec<(&str, &str)> {
    let mut parts = text.split('`');
    let mut found = Vec::new();
    while let (Some(before), Some(quoted)) = (parts.next(), parts.next()) {
        found.push((before, quoted));
    }
    found
}

/// The cells of the last column of all tables in `text` whose lines begin with `start`.
fn last_column<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix(start));
    let rows = rows.filter(|row| !row.contains("|---"));
    rows.filter_map(|row| Some(row.trim_end().strip_suffix(" |")?.rsplit_once("| ")?.1))
        .collect()
}

fn defines(source: &str, what: &str) -> bool {
    ["fn", "struct"].iter().any(|kind| {
        let begun = format!("{kind} {what}");
        let mut rest = source.split(&begun).skip(1);
        rest.any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// `Trait` of `Type`.
fn implements(source: &str, what: &str, of: &str) -> bool {
    let heads = source.lines().filter(|line| line.starts_with("impl"));
    let head = format!("{what} for {of}");
    heads.into_iter().any(|line| line.contains(&head))
}

/// Each model says on its first lines which of its steps is which function. A function that was renamed or moved
/// since then would make the table a tale.
#[test]
fn the_steps_of_the_models_are_functions_of_the_library() {
    let library = sources("shmem-core/src");
    let models = sources("models/src");
    let list = read("models/src/lib.rs");
    let listed = list
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for model in listed.filter(|model| *model != "search") {
        let table = last_column(&models[&format!("{model}.rs")], "//! |");
        assert!(table.len() > 5, "{model}: {table:?}");
        for cell in table.iter().skip(1) {
            check_functions(&library, model, cell);
        }
    }
}

/// A cell reads "`a`, `b` in `x.rs` and `y.rs`; `Drop` of `C` in `z.rs`".
fn check_functions(library: &BTreeMap<String, String>, model: &str, cell: &str) {
    let mut named: Vec<(Option<&str>, &str)> = Vec::new();
    let mut looked_up = true;
    for (before, quoted) in quoted(cell) {
        if !quoted.ends_with(".rs") {
            if looked_up {
                named.clear();
                looked_up = false;
            }
            let of = before.ends_with(" of ").then(|| named.pop().unwrap().1);
            named.push((of, quoted));
            continue;
        }
        let source = library.get(quoted);
        let source = source.unwrap_or_else(|| panic!("{model}: no file {quoted}: {cell}"));
        for (of, name) in &named {
            let there = match of {
                Some(of) => implements(source, of, name),
                None => defines(source, name),
            };
            assert!(there, "{model}: no {name} in {quoted}: {cell}");
        }
        looked_up = true;
    }
    assert!(looked_up, "{model}: no file for {named:?}: {cell}");
}

/// Everything that a page may name as a proof.
struct Proofs {
    tests: BTreeMap<String, BTreeSet<String>>,
    mutations: BTreeSet<String>,
    variants: BTreeSet<String>,
}

impl Proofs {
    fn gather() -> Self {
        let mut tests = BTreeMap::new();
        for folder in [
            "tests/tests",
            "shmem-core/tests",
            "shmem-core/src",
            "examples/tests",
            "shmem-cli/tests",
            "models/tests",
        ] {
            for (file, source) in sources(folder) {
                let after = source.split("#[test]").skip(1);
                let names = after.filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
                let names: BTreeSet<_> = names.map(|(name, _)| name.to_owned()).collect();
                tests.insert(format!("{folder}/{file}"), names);
            }
        }
        let library = sources("shmem-core/src");
        let mutations = library.values().flat_map(|text| {
            let rest = text.split("mutation = \"").skip(1);
            rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        });
        let cases = sources("models/src/cases");
        let strings = cases
            .values()
            .flat_map(|text| text.split('"').skip(1).step_by(2));
        Proofs {
            tests,
            mutations: mutations.collect(),
            variants: strings.map(str::to_owned).collect(),
        }
    }

    fn is_test(&self, name: &str) -> bool {
        let name = name.rsplit("::").next().unwrap_or(name);
        match name.split_once('…') {
            None => self.tests.values().any(|names| names.contains(name)),
            Some((start, end)) => {
                let fits = |test: &String| test.starts_with(start) && test.ends_with(end);
                self.tests.values().flatten().any(fits)
            }
        }
    }

    /// Checks a name from a table; true if it is that of a test or a mutation.
    fn check(&self, page: &str, name: &str) -> bool {
        if name.ends_with(".rs") || name.ends_with('/') {
            let short = format!("/{name}");
            let there = root().join(name).exists()
                || self.tests.keys().any(|file| file.ends_with(&short))
                || root().join("tests").join(name).exists();
            assert!(there, "{page} names {name}, which is not there");
            return false;
        }
        self.is_test(name) || self.mutations.contains(name) || self.variants.contains(name)
    }
}

/// What a page says stands behind its claims is there.
#[test]
fn the_tests_that_pages_name_exist() {
    let proofs = Proofs::gather();
    let readme = read("README.md");
    let (_, claims) = readme.split_once("## Which test stands behind").unwrap();
    let reliability = read("docs/reliability.md");
    let (_, holes) = reliability
        .split_once("## Holes found in earlier drafts")
        .unwrap();
    let (holes, _) = holes.split_once("\n## ").unwrap();
    let against = &reliability[..reliability.find("## Killed at every step").unwrap()];
    for (page, table) in [("README.md", claims), ("docs/reliability.md", against)] {
        for cell in last_column(table, "|").iter().skip(1) {
            for (_, name) in quoted(cell) {
                let known = proofs.check(page, name);
                let checked = !name.contains('_') || name.contains(['.', '/', ' ']);
                assert!(known || checked, "{page} names {name}, which is not there");
            }
        }
    }
    let cells = last_column(holes, "|");
    assert!(cells.len() > 20, "{cells:?}");
    for cell in cells.iter().skip(1) {
        let names = quoted(cell);
        let known = |(_, name): &(&str, &str)| {
            let is_file = name.ends_with(".rs");
            let known = proofs.check("docs/reliability.md", name);
            assert!(known || is_file, "no test or mutation {name}: {cell}");
            known
        };
        let known = names.iter().filter(|name| known(name)).count();
        assert!(known > 0, "nothing stands behind {cell}");
    }
}
