//! Protobuf schemas: texts (or descriptors in base64, as some clients send them) are compiled with what they import.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::protobuf_text;
use super::schema::Resolved;

/// The name under which a schema is compiled.
const NAME: &str = "schema.proto";

/// The text that is kept, or what is wrong with it: the compiled schema written anew, or the text as it was sent where
/// that would lose something.
pub(super) fn canonical(text: &str, resolved: &Resolved) -> Result<String, String> {
    let file = compile(text, resolved)?;
    let written = protobuf_text::text(file.file_descriptor_proto());
    let same = compile(&written, resolved)
        .is_ok_and(|again| again.file_descriptor_proto() == file.file_descriptor_proto());
    let is_text = STANDARD.decode(text.trim()).is_err();
    Ok(if same || !is_text {
        written
    } else {
        text.to_owned()
    })
}

/// The descriptor of a schema in base64, as `format=serialized` asks for it.
pub(super) fn serialized(text: &str, resolved: &Resolved) -> Result<String, String> {
    let file = compile(text, resolved)?;
    Ok(STANDARD.encode(file.file_descriptor_proto().encode_to_vec()))
}

/// Compiles a schema with those that it refers to by their names.
pub(super) fn compile(text: &str, resolved: &Resolved) -> Result<File, String> {
    let words = |error: protox::Error| format!("Could not parse Protobuf - {error}");
    let mut files = ChainFileResolver::new();
    files.add(GoogleFileResolver::new());
    files.add(Given::new(text, resolved).map_err(words)?);
    let mut compiler = Compiler::with_file_resolver(files);
    compiler.include_source_info(false).include_imports(true);
    compiler.open_file(NAME).map_err(words)?;
    let set = compiler.file_descriptor_set();
    let file = set.file.into_iter().find(|file| file.name() == NAME);
    let file = file.ok_or_else(|| "Could not parse Protobuf".to_owned())?;
    Ok(File::from_file_descriptor_proto(file))
}

struct Given(Vec<File>);

impl Given {
    fn new(text: &str, resolved: &Resolved) -> Result<Self, protox::Error> {
        let mut files = vec![parse(NAME, text)?];
        for (reference, text) in resolved {
            files.push(parse(&reference.name, text)?);
        }
        Ok(Self(files))
    }
}

/// A text, or a descriptor in base64.
fn parse(name: &str, text: &str) -> Result<File, protox::Error> {
    let descriptor = STANDARD.decode(text.trim()).ok();
    let descriptor = descriptor
        .and_then(|bytes| prost_reflect::prost_types::FileDescriptorProto::decode(&bytes[..]).ok());
    match descriptor {
        Some(mut descriptor) => {
            descriptor.name = Some(name.to_owned());
            Ok(File::from_file_descriptor_proto(descriptor))
        }
        None => File::from_source(name, text),
    }
}

impl FileResolver for Given {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let found = self.0.iter().find(|file| file.name() == name);
        found
            .cloned()
            .ok_or_else(|| protox::Error::file_not_found(name))
    }
}
