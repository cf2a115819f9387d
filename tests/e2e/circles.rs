//! A rule of the house that a compiler does not check: the files of a folder do not import each other in a circle. Where
//! they do, none of them can be understood, or moved, without the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use e2e::repository;

use crate::tidy::names_after;

/// Folders whose files still do. Whoever breaks a circle takes the folder out; none comes in.
const WITH_CIRCLES: &[&str] = &["plan"];

/// Who imports whom among the files and folders of a folder.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// What a product file says, without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable file");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter_map(|line| line.split("//").next()).collect::<Vec<_>>().join("\n")
}

fn is_product(name: &str) -> bool {
    name.ends_with(".rs") && !name.ends_with("tests.rs") && !["mod.rs", "testing.rs", "harness.rs"].contains(&name)
}

/// The files and folders in a folder, by name: each with its files, and how many `super::` lead from each to the folder.
fn children(folder: &Path) -> BTreeMap<String, Vec<(String, usize)>> {
    fn add(path: &Path, depth: usize, files: &mut Vec<(String, usize)>) {
        for entry in fs::read_dir(path).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                add(&path, depth + 1, files);
            } else if is_product(&name) || name == "mod.rs" {
                files.push((code(&path), if name == "mod.rs" { depth } else { depth + 1 }));
            }
        }
    }
    let mut found: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            add(&path, 1, found.entry(name).or_default());
        } else if is_product(&name) {
            found.entry(name.trim_end_matches(".rs").to_owned()).or_default().push((code(&path), 1));
        }
    }
    found
}

/// Which child a name comes from that the folder's own file hands on.
fn handed_on(folder: &Path, children: &BTreeMap<String, Vec<(String, usize)>>) -> BTreeMap<String, String> {
    let own = [folder.join("mod.rs"), folder.with_extension("rs"), folder.join("lib.rs")];
    let Some(own) = own.iter().find(|path| path.is_file()) else { return BTreeMap::new() };
    let text = code(own).replace("self::", "");
    let mut names = BTreeMap::new();
    for (at, _) in text.match_indices("use ").filter(|(at, _)| text[..*at].trim_end().ends_with(['b', ')'])) {
        let rest = &text[at + "use ".len()..];
        let Some((child, list)) = rest.split(';').next().and_then(|rest| rest.split_once("::")) else { continue };
        if children.contains_key(child) {
            let words = list.split(|c: char| !c.is_alphanumeric() && c != '_');
            names.extend(words.map(|word| (word.to_owned(), child.to_owned())));
        }
    }
    names
}

fn imports(folder: &Path, root: &Path) -> Imports {
    let children = children(folder);
    let handed_on = handed_on(folder, &children);
    let inside = folder.strip_prefix(root).unwrap_or(folder).components();
    let own: String = inside.map(|part| format!("{}::", part.as_os_str().to_string_lossy())).collect();
    let mut imports = Imports::new();
    for (child, files) in &children {
        let named = files.iter().flat_map(|(text, depth)| {
            let mut names = names_after(text, &format!("crate::{own}"));
            names.extend(names_after(text, &"super::".repeat(*depth)));
            names
        });
        let others = named
            .filter_map(|name| if children.contains_key(&name) { Some(name) } else { handed_on.get(&name).cloned() });
        imports.insert(child.clone(), others.filter(|other| other != child).collect());
    }
    imports
}

/// Those that come back to themselves.
fn in_circles(imports: &Imports) -> BTreeSet<&str> {
    let comes_back = |start: &str| {
        let (mut open, mut seen) = (vec![start], BTreeSet::new());
        while let Some(at) = open.pop() {
            for next in imports.get(at).into_iter().flatten() {
                if next == start {
                    return true;
                }
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        false
    };
    imports.keys().map(String::as_str).filter(|name| comes_back(name)).collect()
}

fn folders(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    found.push(folder.to_owned());
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && !path.ends_with("tests") {
            folders(&path, found);
        }
    }
}

#[test]
fn the_files_of_a_folder_import_each_other_one_way() {
    let root = repository().join("engine/src");
    let mut all = Vec::new();
    folders(&root, &mut all);
    let (mut wrong, mut mended) = (Vec::new(), Vec::new());
    for folder in all {
        let name = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        let imports = imports(&folder, &root);
        let circles = in_circles(&imports);
        match (circles.is_empty(), WITH_CIRCLES.contains(&name.as_str())) {
            (false, false) => wrong.push(format!("{name}: {circles:?}")),
            (true, true) => mended.push(name),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "these import each other in a circle:\n{}", wrong.join("\n"));
    assert!(mended.is_empty(), "no circles any more, take them out of the list: {mended:?}");
}

#[test]
fn the_search_for_circles_finds_them() {
    let to = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let imports: Imports =
        [("a", to(&["b"])), ("b", to(&["c", "d"])), ("c", to(&["a"])), ("d", to(&[])), ("e", to(&["a"]))]
            .into_iter()
            .map(|(name, others)| (name.to_owned(), others))
            .collect();
    assert_eq!(in_circles(&imports), BTreeSet::from(["a", "b", "c"]));
}
