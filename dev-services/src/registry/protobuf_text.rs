//! A compiled Protobuf file written as text: what stands in a registry after a descriptor was sent, and what makes texts
//! that differ in blanks only the same. Fields stand before nested types.

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};

/// Writes a file. Services, extensions and custom options are left out: compare what the text compiles to.
pub(super) fn text(file: &FileDescriptorProto) -> String {
    let syntax = if file.syntax() == "proto3" {
        "proto3"
    } else {
        "proto2"
    };
    let mut out = Text {
        proto3: syntax == "proto3",
        scope: String::new(),
        lines: String::new(),
    };
    out.line(0, &format!("syntax = \"{syntax}\";"));
    if !file.package().is_empty() {
        out.line(0, &format!("package {};", file.package()));
        out.scope = format!(".{}.", file.package());
    } else {
        out.scope = ".".to_owned();
    }
    if !file.dependency.is_empty() {
        out.lines.push('\n');
    }
    for (index, import) in file.dependency.iter().enumerate() {
        let public = file
            .public_dependency
            .iter()
            .any(|public| usize::try_from(*public) == Ok(index));
        out.line(
            0,
            &format!(
                "import {}\"{import}\";",
                if public { "public " } else { "" }
            ),
        );
    }
    out.options(file);
    for message in &file.message_type {
        out.lines.push('\n');
        out.message(0, message);
    }
    for one in &file.enum_type {
        out.lines.push('\n');
        out.enumeration(0, one);
    }
    out.lines
}

struct Text {
    proto3: bool,
    /// `.package.Message.` of where we are.
    scope: String,
    lines: String,
}

impl Text {
    fn line(&mut self, depth: usize, text: &str) {
        self.lines.push_str(&"  ".repeat(depth));
        self.lines.push_str(text);
        self.lines.push('\n');
    }

    fn options(&mut self, file: &FileDescriptorProto) {
        let Some(options) = &file.options else {
            return;
        };
        let texts = [
            ("java_package", &options.java_package),
            ("java_outer_classname", &options.java_outer_classname),
            ("go_package", &options.go_package),
            ("csharp_namespace", &options.csharp_namespace),
        ];
        self.lines.push('\n');
        if let Some(value) = options.java_multiple_files {
            self.line(0, &format!("option java_multiple_files = {value};"));
        }
        for (name, value) in texts {
            if let Some(value) = value {
                self.line(0, &format!("option {name} = \"{value}\";"));
            }
        }
    }

    fn message(&mut self, depth: usize, message: &DescriptorProto) {
        self.line(depth, &format!("message {} {{", message.name()));
        let outer = std::mem::take(&mut self.scope);
        self.scope = format!("{outer}{}.", message.name());
        self.reserved(depth + 1, message);
        let mut done = Vec::new();
        for field in &message.field {
            match field.oneof_index.filter(|_| !field.proto3_optional()) {
                None => {
                    let line = self.field(message, field, true);
                    self.line(depth + 1, &line);
                }
                Some(index) if !done.contains(&index) => {
                    done.push(index);
                    self.oneof(depth + 1, message, index);
                }
                Some(_) => {}
            }
        }
        for nested in message
            .nested_type
            .iter()
            .filter(|nested| !is_map_entry(nested))
        {
            self.lines.push('\n');
            self.message(depth + 1, nested);
        }
        for nested in &message.enum_type {
            self.lines.push('\n');
            self.enumeration(depth + 1, nested);
        }
        self.scope = outer;
        self.line(depth, "}");
    }

    fn reserved(&mut self, depth: usize, message: &DescriptorProto) {
        for range in &message.reserved_range {
            let (start, end) = (range.start(), range.end() - 1);
            let range = if start == end {
                start.to_string()
            } else {
                format!("{start} to {end}")
            };
            self.line(depth, &format!("reserved {range};"));
        }
        for name in &message.reserved_name {
            self.line(depth, &format!("reserved \"{name}\";"));
        }
    }

    fn oneof(&mut self, depth: usize, message: &DescriptorProto, index: i32) {
        let name = usize::try_from(index)
            .ok()
            .and_then(|index| message.oneof_decl.get(index));
        self.line(
            depth,
            &format!("oneof {} {{", name.map_or("", |one| one.name())),
        );
        for field in message
            .field
            .iter()
            .filter(|field| field.oneof_index == Some(index))
        {
            let line = self.field(message, field, false);
            self.line(depth + 1, &line);
        }
        self.line(depth, "}");
    }

    fn field(
        &self,
        message: &DescriptorProto,
        field: &FieldDescriptorProto,
        labelled: bool,
    ) -> String {
        let entry = message
            .nested_type
            .iter()
            .filter(|nested| is_map_entry(nested));
        let mut entry = entry.filter(|nested| {
            field
                .type_name()
                .ends_with(&format!(".{}.{}", message.name(), nested.name()))
        });
        let kind = match entry.next().map(|entry| entry.field.as_slice()) {
            Some([key, value]) => format!("map<{}, {}>", self.kind(key), self.kind(value)),
            _ => format!(
                "{}{}",
                if labelled { self.label(field) } else { "" },
                self.kind(field)
            ),
        };
        let mut options = Vec::new();
        if let Some(default) = &field.default_value {
            let quoted = matches!(field.r#type(), Type::String | Type::Bytes);
            options.push(if quoted {
                format!("default = \"{default}\"")
            } else {
                format!("default = {default}")
            });
        }
        if let Some(given) = &field.options {
            options.extend(given.packed.map(|packed| format!("packed = {packed}")));
            options.extend(
                given
                    .deprecated
                    .map(|deprecated| format!("deprecated = {deprecated}")),
            );
        }
        if field.json_name() != camel(field.name()) && !field.json_name().is_empty() {
            options.push(format!("json_name = \"{}\"", field.json_name()));
        }
        let options = if options.is_empty() {
            String::new()
        } else {
            format!(" [{}]", options.join(", "))
        };
        format!("{kind} {} = {}{options};", field.name(), field.number())
    }

    fn label(&self, field: &FieldDescriptorProto) -> &'static str {
        match field.label() {
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if !self.proto3 || field.proto3_optional() => "optional ",
            Label::Optional => "",
        }
    }

    fn kind(&self, field: &FieldDescriptorProto) -> String {
        match field.r#type() {
            Type::Message | Type::Enum | Type::Group => {
                let name = field.type_name();
                let package = self
                    .scope
                    .find(|c: char| c.is_uppercase())
                    .map_or(&*self.scope, |at| &self.scope[..at]);
                let inner = name
                    .strip_prefix(&self.scope)
                    .or_else(|| name.strip_prefix(package));
                inner.unwrap_or(name).to_owned()
            }
            scalar => scalar
                .as_str_name()
                .trim_start_matches("TYPE_")
                .to_lowercase(),
        }
    }

    fn enumeration(&mut self, depth: usize, one: &EnumDescriptorProto) {
        self.line(depth, &format!("enum {} {{", one.name()));
        if let Some(alias) = one.options.as_ref().and_then(|options| options.allow_alias) {
            self.line(depth + 1, &format!("option allow_alias = {alias};"));
        }
        for value in &one.value {
            self.line(
                depth + 1,
                &format!("{} = {};", value.name(), value.number()),
            );
        }
        self.line(depth, "}");
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message
        .options
        .as_ref()
        .is_some_and(|options| options.map_entry())
}

/// `snake_case` → `snakeCase`, the JSON name that a field has by itself.
fn camel(name: &str) -> String {
    let (mut out, mut upper) = (String::new(), false);
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                out.extend(letter.to_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}
