//! Path and method → route.

use std::borrow::Cow;

use http::Method;

use super::Part;

/// A resource, with the names in its path decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    Health,
    Connectors,
    Connector(String),
    Config(String),
    Status(String),
    Tasks(String),
    TasksConfig(String),
    TaskStatus(String, String),
    TaskRestart(String, String),
    Restart(String),
    Pause(String),
    Resume(String),
    Stop(String),
    Topics(String),
    TopicsReset(String),
    Offsets(String),
    Objects(String),
    ObjectPreview(String),
    ObjectLink(String),
    Plugins,
    PluginConfig(String),
    Validate(String),
    Explain(String),
    Loggers,
    Logger(String),
}

impl Route {
    /// The route of a path in this part of the API.
    pub(super) fn find(path: &str, part: Part) -> Option<Self> {
        let segments = segments(path)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let admin = segments.first() == Some(&"admin");
        match part {
            Part::WithoutAdmin if admin => None,
            Part::Admin if !admin => None,
            _ => Self::of(&segments),
        }
    }

    fn of(segments: &[&str]) -> Option<Self> {
        let route = match segments {
            [] => Self::Root,
            ["health"] => Self::Health,
            ["connectors"] => Self::Connectors,
            ["connectors", name, rest @ ..] => return Self::of_connector((*name).to_owned(), rest),
            ["connector-plugins"] => Self::Plugins,
            ["connector-plugins", class, "config"] => Self::PluginConfig((*class).to_owned()),
            ["connector-plugins", class, "config", "validate"] => {
                Self::Validate((*class).to_owned())
            }
            ["connector-plugins", class, "config", "explain"] => Self::Explain((*class).to_owned()),
            ["admin", "loggers"] => Self::Loggers,
            ["admin", "loggers", name] => Self::Logger((*name).to_owned()),
            _ => return None,
        };
        Some(route)
    }

    fn of_connector(name: String, rest: &[&str]) -> Option<Self> {
        let route = match rest {
            [] => Self::Connector(name),
            ["config"] => Self::Config(name),
            ["status"] => Self::Status(name),
            ["tasks"] => Self::Tasks(name),
            ["tasks-config"] => Self::TasksConfig(name),
            ["tasks", task, "status"] => Self::TaskStatus(name, (*task).to_owned()),
            ["tasks", task, "restart"] => Self::TaskRestart(name, (*task).to_owned()),
            ["restart"] => Self::Restart(name),
            ["pause"] => Self::Pause(name),
            ["resume"] => Self::Resume(name),
            ["stop"] => Self::Stop(name),
            ["topics"] => Self::Topics(name),
            ["topics", "reset"] => Self::TopicsReset(name),
            ["offsets"] => Self::Offsets(name),
            ["objects"] => Self::Objects(name),
            ["objects", "preview"] => Self::ObjectPreview(name),
            ["objects", "link"] => Self::ObjectLink(name),
            _ => return None,
        };
        Some(route)
    }

    /// The resource's name in metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Health => "/health",
            Self::Connectors => "/connectors",
            Self::Connector(_) => "/connectors/{name}",
            Self::Config(_) => "/connectors/{name}/config",
            Self::Status(_) => "/connectors/{name}/status",
            Self::Tasks(_) => "/connectors/{name}/tasks",
            Self::TasksConfig(_) => "/connectors/{name}/tasks-config",
            Self::TaskStatus(..) => "/connectors/{name}/tasks/{task}/status",
            Self::TaskRestart(..) => "/connectors/{name}/tasks/{task}/restart",
            Self::Restart(_) => "/connectors/{name}/restart",
            Self::Pause(_) => "/connectors/{name}/pause",
            Self::Resume(_) => "/connectors/{name}/resume",
            Self::Stop(_) => "/connectors/{name}/stop",
            Self::Topics(_) => "/connectors/{name}/topics",
            Self::TopicsReset(_) => "/connectors/{name}/topics/reset",
            Self::Offsets(_) => "/connectors/{name}/offsets",
            Self::Objects(_) => "/connectors/{name}/objects",
            Self::ObjectPreview(_) => "/connectors/{name}/objects/preview",
            Self::ObjectLink(_) => "/connectors/{name}/objects/link",
            Self::Plugins => "/connector-plugins",
            Self::PluginConfig(_) => "/connector-plugins/{class}/config",
            Self::Validate(_) => "/connector-plugins/{class}/config/validate",
            Self::Explain(_) => "/connector-plugins/{class}/config/explain",
            Self::Loggers => "/admin/loggers",
            Self::Logger(_) => "/admin/loggers/{logger}",
        }
    }

    /// Methods that the resource has, besides HEAD (as GET) and OPTIONS.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Connectors => &[Method::GET, Method::POST],
            Self::Connector(_) => &[Method::GET, Method::DELETE],
            Self::Config(_) => &[Method::GET, Method::PUT, Method::PATCH],
            Self::Offsets(_) => &[Method::GET, Method::PATCH, Method::DELETE],
            Self::Logger(_) => &[Method::GET, Method::PUT],
            Self::TaskRestart(..) | Self::Restart(_) => &[Method::POST],
            Self::Pause(_)
            | Self::Resume(_)
            | Self::Stop(_)
            | Self::TopicsReset(_)
            | Self::Validate(_)
            | Self::Explain(_) => &[Method::PUT],
            Self::Root
            | Self::Health
            | Self::Status(_)
            | Self::Tasks(_)
            | Self::TasksConfig(_)
            | Self::TaskStatus(..)
            | Self::Topics(_)
            | Self::Objects(_)
            | Self::ObjectPreview(_)
            | Self::ObjectLink(_)
            | Self::Plugins
            | Self::PluginConfig(_)
            | Self::Loggers => &[Method::GET],
        }
    }

    /// `GET,HEAD,OPTIONS`.
    pub(super) fn allow(&self) -> String {
        let mut names: Vec<&str> = self.methods().iter().map(Method::as_str).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.push("OPTIONS");
        names.join(",")
    }
}

/// The segments of a path, decoded; one slash at the end counts for nothing.
fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.split('/').map(decode).collect()
}

/// Undoes percent encoding; `None` when it is malformed or not UTF-8.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = tail
                .get(..2)
                .and_then(|digits| std::str::from_utf8(digits).ok())?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The values of a query's parameter, decoded.
pub(super) fn query_values(query: Option<&str>, name: &str) -> Vec<String> {
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(key, _)| *key == name)
        .filter_map(|(_, value)| decode(&value.replace('+', " ")).map(Cow::into_owned))
        .collect()
}

/// Whether the query's parameter is `true`; anything else is not.
pub(super) fn query_flag(query: Option<&str>, name: &str) -> Option<bool> {
    query_values(query, name)
        .first()
        .map(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_routes() {
        let find = |path| Route::find(path, Part::All);
        assert_eq!(find("/"), Some(Route::Root));
        assert_eq!(find("/connectors/"), Some(Route::Connectors));
        assert_eq!(
            find("/connectors/a%20b%2Fc/config"),
            Some(Route::Config("a b/c".into()))
        );
        assert_eq!(
            find("/connectors/n/tasks/0/status"),
            Some(Route::TaskStatus("n".into(), "0".into()))
        );
        assert_eq!(
            find("/connector-plugins/X/config/validate"),
            Some(Route::Validate("X".into()))
        );
        for path in [
            "/nope",
            "/connectors/n/nope",
            "/connectors//config/x",
            "/connectors/%zz",
            "connectors",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn the_admin_part_can_be_apart() {
        assert_eq!(Route::find("/admin/loggers", Part::WithoutAdmin), None);
        assert_eq!(
            Route::find("/admin/loggers", Part::Admin),
            Some(Route::Loggers)
        );
        assert_eq!(Route::find("/connectors", Part::Admin), None);
    }

    #[test]
    fn queries_are_read() {
        let query = Some("expand=status&expand=in%66o&onlyFailed=TRUE&x");
        assert_eq!(query_values(query, "expand"), ["status", "info"]);
        assert_eq!(query_flag(query, "onlyFailed"), Some(true));
        assert_eq!(query_flag(query, "x"), Some(false));
        assert_eq!(query_flag(None, "x"), None);
    }

    #[test]
    fn methods_are_named() {
        assert_eq!(Route::Connectors.allow(), "GET,POST,HEAD,OPTIONS");
        assert_eq!(Route::Stop("n".into()).allow(), "PUT,OPTIONS");
    }
}
