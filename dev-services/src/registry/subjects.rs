//! Subjects and their versions: registering, finding, deleting. Every change is in the file before it is answered.

use std::path::PathBuf;

use parking_lot::{RwLock, RwLockReadGuard};

use super::RegistryError;
use super::answer::Refusal;
use super::compatibility::{self, Level};
use super::schema;
use super::state::{Kind, Reference, Schema, State, Version};

/// Everything that is registered.
#[derive(Debug)]
pub(super) struct Subjects {
    folder: Option<PathBuf>,
    state: RwLock<State>,
}

/// A version with its schema, as it is answered.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    /// Where.
    pub(super) subject: String,
    /// Its number and id.
    pub(super) version: Version,
    /// The schema.
    pub(super) schema: Schema,
}

/// A schema as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Its language.
    pub(super) kind: Kind,
    /// As sent.
    pub(super) text: String,
    /// What it refers to.
    pub(super) references: Vec<Reference>,
}

/// Which versions of a subject are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The last one.
    Latest,
    /// One of a number.
    Number(u32),
}

impl Wanted {
    /// Reads a version of a path.
    pub(super) fn of(text: &str) -> Result<Self, Refusal> {
        match text.parse::<i64>() {
            _ if text == "latest" => Ok(Self::Latest),
            Ok(-1) => Ok(Self::Latest),
            Ok(number) if number >= 1 && number <= i64::from(i32::MAX) => {
                Ok(Self::Number(u32::try_from(number).unwrap_or(u32::MAX)))
            }
            _ => Err(Refusal::invalid_version(text)),
        }
    }
}

impl Subjects {
    /// Reads what an earlier run left in the folder.
    pub(super) fn open(folder: Option<PathBuf>) -> Result<Self, RegistryError> {
        let state = match &folder {
            Some(folder) => State::read(folder)
                .map_err(|(path, source)| RegistryError::Folder { path, source })?,
            None => State::default(),
        };
        Ok(Self {
            folder,
            state: RwLock::new(state),
        })
    }

    /// The state for whoever only reads.
    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    /// Changes a copy, writes it down, and only then shows it.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut state = self.state.write();
        let mut new = state.clone();
        let done = change(&mut new)?;
        if let Some(folder) = &self.folder {
            new.write(folder)
                .map_err(|error| Refusal::storage(&error))?;
        }
        *state = new;
        Ok(done)
    }

    /// Registers a schema under a subject and returns its id; one that is there already keeps id and version.
    pub(super) fn register(&self, subject: &str, sent: &Sent) -> Result<u32, Refusal> {
        let known = self.state().find(subject, sent);
        if let Ok(Some(version)) = known {
            return Ok(version.id);
        }
        self.change(|state| {
            if state.mode(subject).starts_with("READONLY") {
                return Err(Refusal::read_only(subject));
            }
            let schema = schema::parse(state, subject, sent)?;
            if let Some(version) = state.version_of(subject, &schema) {
                return Ok(version.id);
            }
            let level = state.level(subject);
            let details = compatibility::details(state, subject, &schema, level, None)?;
            if !details.is_empty() {
                return Err(Refusal::incompatible(subject, &details));
            }
            Ok(state.add(subject, schema))
        })
    }

    /// The version under which a subject has a schema.
    pub(super) fn look_up(
        &self,
        subject: &str,
        sent: &Sent,
        deleted: bool,
    ) -> Result<Registered, Refusal> {
        let state = self.state();
        if !deleted {
            state.live(subject)?;
        } else if !state.subjects.contains_key(subject) {
            return Err(Refusal::no_subject(subject));
        }
        let schema = schema::parse(&state, subject, sent)?;
        let version = state
            .version_among(subject, &schema, deleted)
            .ok_or_else(Refusal::no_schema)?;
        Ok(Registered {
            subject: subject.to_owned(),
            version,
            schema,
        })
    }

    /// Deletes a subject, for a while or for ever, and tells its versions.
    pub(super) fn delete(&self, subject: &str, permanent: bool) -> Result<Vec<u32>, Refusal> {
        self.change(|state| {
            let versions = state.all(subject)?.to_vec();
            let live = versions.iter().any(|version| !version.deleted);
            match (permanent, live) {
                (false, false) => return Err(Refusal::subject_soft_deleted(subject)),
                (true, true) => return Err(Refusal::subject_not_soft_deleted(subject)),
                _ => {}
            }
            let concerned = versions
                .iter()
                .filter(|version| permanent || !version.deleted);
            let numbers: Vec<u32> = concerned.map(|version| version.number).collect();
            for number in &numbers {
                state.unreferenced(subject, *number)?;
            }
            if permanent {
                state.subjects.remove(subject);
                state.levels.remove(subject);
                state.modes.remove(subject);
                state.forget_unused();
            } else if let Some(versions) = state.subjects.get_mut(subject) {
                versions
                    .iter_mut()
                    .for_each(|version| version.deleted = true);
            }
            Ok(numbers)
        })
    }

    /// Deletes a version, for a while or for ever.
    pub(super) fn delete_version(
        &self,
        subject: &str,
        wanted: Wanted,
        permanent: bool,
    ) -> Result<u32, Refusal> {
        self.change(|state| {
            let versions = state.all(subject)?;
            let found = match wanted {
                Wanted::Latest => versions.iter().rev().find(|version| !version.deleted),
                Wanted::Number(number) => versions.iter().find(|version| version.number == number),
            };
            let found = *found.ok_or_else(|| match wanted {
                Wanted::Latest => Refusal::no_version("latest"),
                Wanted::Number(number) => Refusal::no_version(number),
            })?;
            match (permanent, found.deleted) {
                (false, true) => return Err(Refusal::version_soft_deleted(subject, found.number)),
                (true, false) => {
                    return Err(Refusal::version_not_soft_deleted(subject, found.number));
                }
                _ => {}
            }
            state.unreferenced(subject, found.number)?;
            state.remove(subject, found.number, permanent);
            Ok(found.number)
        })
    }
}

// === State: questions ===

impl State {
    /// All versions of a subject, deleted ones too.
    pub(super) fn all(&self, subject: &str) -> Result<&[Version], Refusal> {
        let versions = self.subjects.get(subject).map(Vec::as_slice);
        versions.ok_or_else(|| Refusal::no_subject(subject))
    }

    /// Versions of a subject that are not deleted.
    pub(super) fn live(&self, subject: &str) -> Result<Vec<Version>, Refusal> {
        let live = self.all(subject)?.iter().filter(|version| !version.deleted);
        let live: Vec<_> = live.copied().collect();
        match live.is_empty() {
            true => Err(Refusal::no_subject(subject)),
            false => Ok(live),
        }
    }

    /// One version with its schema.
    pub(super) fn version(
        &self,
        subject: &str,
        wanted: Wanted,
        deleted: bool,
    ) -> Result<Registered, Refusal> {
        let versions = match deleted {
            true => self.all(subject)?.to_vec(),
            false => self.live(subject)?,
        };
        let found = match wanted {
            Wanted::Latest => versions.last(),
            Wanted::Number(number) => versions.iter().find(|version| version.number == number),
        };
        let version = *found.ok_or_else(|| match wanted {
            Wanted::Latest => Refusal::no_version("latest"),
            Wanted::Number(number) => Refusal::no_version(number),
        })?;
        let schema = self.schemas.get(&version.id);
        let schema = schema.ok_or_else(|| Refusal::no_id(&version.id.to_string()))?;
        Ok(Registered {
            subject: subject.to_owned(),
            version,
            schema: schema.clone(),
        })
    }

    /// The live version of a subject that has this schema.
    pub(super) fn version_of(&self, subject: &str, schema: &Schema) -> Option<Version> {
        self.version_among(subject, schema, false)
    }

    /// The last version of a subject that has this schema, those that are deleted for a while among them if `deleted`.
    fn version_among(&self, subject: &str, schema: &Schema, deleted: bool) -> Option<Version> {
        let versions = self.subjects.get(subject)?.iter();
        let same = |version: &&Version| {
            (deleted || !version.deleted) && self.schemas.get(&version.id) == Some(schema)
        };
        versions.rev().find(same).copied()
    }

    fn find(&self, subject: &str, sent: &Sent) -> Result<Option<Version>, Refusal> {
        if !self.subjects.contains_key(subject) {
            return Ok(None);
        }
        Ok(self.version_of(subject, &schema::parse(self, subject, sent)?))
    }

    /// The level that counts for a subject.
    pub(super) fn level(&self, subject: &str) -> Level {
        let own = self.levels.get(subject).or_else(|| self.levels.get(""));
        own.and_then(|word| Level::of(word))
            .unwrap_or(Level::BACKWARD)
    }

    /// The mode that counts for a subject.
    pub(super) fn mode(&self, subject: &str) -> &str {
        let own = self.modes.get(subject).or_else(|| self.modes.get(""));
        own.map_or("READWRITE", String::as_str)
    }

    /// Ids of schemas that refer to a version.
    pub(super) fn referrers(&self, subject: &str, number: u32) -> Vec<u32> {
        let refers = |schema: &Schema| {
            let mut references = schema.references.iter();
            references.any(|one| one.subject == subject && one.version == i64::from(number))
        };
        let ids = self.schemas.iter().filter(|(_, schema)| refers(schema));
        let used = |id: &u32| {
            let mut versions = self.subjects.values().flatten();
            versions.any(|version| version.id == *id && !version.deleted)
        };
        ids.map(|(id, _)| *id).filter(used).collect()
    }

    fn unreferenced(&self, subject: &str, number: u32) -> Result<(), Refusal> {
        match self.referrers(subject, number).is_empty() {
            true => Ok(()),
            false => Err(Refusal::referenced(subject, number)),
        }
    }
}

// === State: changes ===

impl State {
    /// A new version; a schema that some subject has keeps its id.
    fn add(&mut self, subject: &str, schema: Schema) -> u32 {
        let known = self.schemas.iter().find(|(_, known)| **known == schema);
        let id = match known.map(|(id, _)| *id) {
            Some(id) => id,
            None => {
                self.last_id += 1;
                self.schemas.insert(self.last_id, schema);
                self.last_id
            }
        };
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        let number = versions.last().map_or(0, |version| version.number) + 1;
        versions.push(Version {
            number,
            id,
            deleted: false,
        });
        id
    }

    fn remove(&mut self, subject: &str, number: u32, permanent: bool) {
        let Some(versions) = self.subjects.get_mut(subject) else {
            return;
        };
        if permanent {
            versions.retain(|version| version.number != number);
            if versions.is_empty() {
                self.subjects.remove(subject);
            }
            self.forget_unused();
        } else if let Some(version) = versions.iter_mut().find(|version| version.number == number) {
            version.deleted = true;
        }
    }

    fn forget_unused(&mut self) {
        let used: Vec<u32> = self
            .subjects
            .values()
            .flatten()
            .map(|version| version.id)
            .collect();
        self.schemas.retain(|id, _| used.contains(id));
    }
}
