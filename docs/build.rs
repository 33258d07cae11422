//! Makes documentation tests of the guides: a block of Rust without a `main` gets one, in which the databases of
//! `shop.rs` are open. So the guides need no hidden lines, which readers of the files would see.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The code before that of a block.
const BEFORE: &[&str] = &[
    "#[allow(unused_imports, unused_variables, dead_code)]",
    "use estoult_docs::shop::{self, Author, Book};",
    "#[tokio::main]",
    "async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {",
    "let registry = shop::registry()?;",
    "let _lifespan = registry.connect().await?;",
    "shop::open(&registry).await?;",
    "let db = registry.default_database();",
];
/// The code after it.
const BEHIND: &[&str] = &["Ok(())", "}"];

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("OUT_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let mut guides = vec![folder.join("../README.md")];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            guides.push(path);
        }
    }
    println!("cargo:rerun-if-changed={}", folder.display());
    for guide in guides {
        println!("cargo:rerun-if-changed={}", guide.display());
        let text = fs::read_to_string(&guide)?;
        if let Some(name) = guide.file_name() {
            fs::write(target.join(name), compiled(&text))?;
        }
    }
    Ok(())
}

/// The guide with a `main` around the code that has none.
fn compiled(guide: &str) -> String {
    let mut text = String::with_capacity(guide.len() * 2);
    let mut block: Option<Vec<&str>> = None;
    for line in guide.lines() {
        match block.take() {
            None if line.starts_with("```rust") => {
                add(&mut text, line);
                block = Some(Vec::new());
            }
            None => add(&mut text, line),
            Some(code) if line == "```" => {
                write(&mut text, &code);
                add(&mut text, line);
            }
            Some(mut code) => {
                code.push(line);
                block = Some(code);
            }
        }
    }
    text
}

fn write(text: &mut String, code: &[&str]) {
    let has_main = code.iter().any(|line| line.contains("fn main()"));
    let (before, behind) = if has_main {
        (&[][..], &[][..])
    } else {
        (BEFORE, BEHIND)
    };
    for line in before.iter().chain(code).chain(behind) {
        add(text, line);
    }
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
