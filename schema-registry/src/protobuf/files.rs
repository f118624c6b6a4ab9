//! Imports: references by name, Google's well-known files, and those that Confluent's programs know themselves.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::FileDescriptor;
use prost_reflect::prost_types::FileDescriptorProto;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::error::SchemaError;
use crate::schema::Resolved;

/// Name of the file that is compiled; no import can mean it.
const OWN: &str = "schema.proto";

/// Files that Confluent's programs can import without a reference.
const BUILT_IN: [(&str, &str); 4] = [
    ("confluent/meta.proto", include_str!("builtin/meta.proto")),
    (
        "confluent/type/decimal.proto",
        include_str!("builtin/decimal.proto"),
    ),
    ("google/type/date.proto", include_str!("builtin/date.proto")),
    (
        "google/type/timeofday.proto",
        include_str!("builtin/timeofday.proto"),
    ),
];

pub(super) fn compile(text: &str, resolved: &[Resolved]) -> Result<FileDescriptor, SchemaError> {
    let invalid = |error: protox::Error| SchemaError::Invalid(error.to_string());
    let texts = resolved
        .iter()
        .map(|reference| (reference.name.clone(), reference.text.clone()))
        .chain([(OWN.to_owned(), text.to_owned())])
        .collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    resolver.add(Texts(
        BUILT_IN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    ));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file(OWN).map_err(invalid)?;
    compiler
        .descriptor_pool()
        .get_file_by_name(OWN)
        .ok_or_else(|| SchemaError::Invalid("the file was not compiled".to_owned()))
}

struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn resolve_path(&self, path: &std::path::Path) -> Option<String> {
        path.to_str()
            .filter(|name| self.0.contains_key(*name))
            .map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| protox::Error::file_not_found(name))?;
        match descriptor(text) {
            Some(file) => Ok(File::from_file_descriptor_proto(FileDescriptorProto {
                name: Some(name.to_owned()),
                ..file
            })),
            None => File::from_source(name, text),
        }
    }
}

/// A schema that is a compiled file in base64, as Python's and Go's clients register them. Confluent's registry turns
/// these into source; other registries hand them out as they came.
fn descriptor(text: &str) -> Option<FileDescriptorProto> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    FileDescriptorProto::decode(bytes.as_slice()).ok()
}
