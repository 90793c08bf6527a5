//! Odd answers on purpose: each was seen at a vendor or a thing in between, or is allowed by what the vendor publishes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How the value of an odd answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// None.
    Bare,
    /// `=N`, left out for all: so many of the calls, then no more.
    First,
    /// `=N`.
    Number,
    /// `=S`, or left out.
    Seconds,
    /// `=A,B`.
    Words,
    /// `=A,B`, left out for everything.
    SomeWords,
}

macro_rules! oddities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $form:ident, $shown:literal;)+) => {
        /// What is odd, by the name that `--fault` and [`Options::fault`](crate::Options::fault) know it by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Odd {
            $(#[doc = concat!("`", $name, $shown, "`:")] $(#[doc = $doc])+ $variant,)+
        }

        impl Odd {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How its value is written.
            pub fn form(self) -> Form {
                match self { $(Self::$variant => Form::$form,)+ }
            }

            /// Its name, value and meaning, for people.
            pub fn explained(self) -> &'static str {
                match self { $(Self::$variant => concat!($name, $shown, ":" $(, $doc)+),)+ }
            }
        }
    };
}

oddities! {
    /// reads are answered 200 with a page in HTML
    HtmlRead = "html_read", First, "[=N]";
    /// writes are answered 200 with a page in HTML, and nothing is done
    HtmlWrite = "html_write", First, "[=N]";
    /// writes are done and answered 200 with a page in HTML
    HtmlAfter = "html_after", First, "[=N]";
    /// reads are answered 200 without a body
    EmptyRead = "empty_read", First, "[=N]";
    /// writes are done and answered 200 without a body
    EmptyWrite = "empty_write", First, "[=N]";
    /// writes are done and answered 204
    NoContent = "no_content", First, "[=N]";
    /// calls are answered 302 to a sign-in page, and nothing is done
    Redirect = "redirect", First, "[=N]";
    /// the body ends half-way
    Cut = "cut", First, "[=N]";
    /// a byte order mark stands before the body
    Bom = "bom", Bare, "";
    /// an array stands where an object is due: around the whole answer, or as the value of these keys
    Array = "array", SomeWords, "[=KEYS]";
    /// a string stands there: for the whole answer, or as the value of these keys
    Text = "text", SomeWords, "[=KEYS]";
    /// null stands there: for the whole answer, or as the value of these keys
    Null = "null", SomeWords, "[=KEYS]";
    /// these keys are left out, as an expand may be
    Omit = "omit", Words, "=KEYS";
    /// the record of another user is shown
    AnotherUser = "another_user", First, "[=N]";
    /// Genesys: `version` is shown as a text
    VersionText = "version_text", Bare, "";
    /// what finds nobody is answered with this status: 404, 204, or 200 and an empty list
    Nobody = "nobody", Number, "=STATUS";
    /// so many of the users are deleted, the last ones
    DeletedUsers = "deleted_users", Number, "=N";
    /// so many of the users are inactive, before the deleted ones
    InactiveUsers = "inactive_users", Number, "=N";
    /// these groups, queues, divisions, teams, roles and skills, by name or id, are listed and are gone when they are written to
    Gone = "gone", Words, "=NAMES";
    /// Genesys: the search shows users as they were so many seconds ago (180)
    LaggingSearch = "lagging_search", Seconds, "[=S]";
    /// pages hold so many at most, whatever is asked for
    SmallPages = "small_pages", Number, "=N";
    /// Genesys: a page of more users than this with an expand is answered 400 response.entity.too.large
    EntityTooLarge = "entity_too_large", Number, "=N";
    /// lists never end: each page names a next one
    Endless = "endless", Bare, "";
    /// a call that carries more users than this is refused as a whole
    Width = "width", Number, "=N";
    /// a colleague edits each user once, just before our first write to it: skills, languages, divisions, groups, roles, locations, addresses, employerInfo, profileSkills or any text field; NICE: skills, team, customAttributes or a field
    ColleagueEdits = "colleague_edits", Words, "=LISTS";
    /// Genesys: changes of groups, answered 202, are seen so many seconds later (2)
    LateMembers = "late_members", Seconds, "[=S]";
    /// writes are answered as done and store nothing, or not these fields; NICE: skills, team and status too
    NotStored = "not_stored", SomeWords, "[=KEYS]";
    /// texts, or these fields, are stored in capitals
    Normalises = "normalises", SomeWords, "[=KEYS]";
    /// NICE: answers of batches count the errors (or say this count) and have no items
    CountOnly = "count_only", First, "[=COUNT]";
    /// Genesys: PATCH of a user is answered 409 general.conflict that is about no version
    Conflict409 = "conflict_409", First, "[=N]";
    /// Genesys: writes of skills, languages and members are answered 400 general.conflict
    Conflict400 = "conflict_400", First, "[=N]";
    /// Genesys: a stale version is answered 400 instead of 409
    Stale400 = "stale_400", Bare, "";
    /// writes are refused 403 with missing.permissions, or with this code
    NoPermission = "no_permission", SomeWords, "[=CODE]";
    /// writes are refused with this status and code
    Refuse = "refuse", Words, "=STATUS:CODE";
    /// Genesys: the token endpoint is answered 400 invalid_request, "rate limit exceeded;"
    TokenThrottled = "token_throttled", First, "[=N]";
    /// the id of the tenant is this
    Tenant = "tenant", Words, "=ID";
    /// NICE: the user PUT stores customAttributes only as a map, only as one {id, values}, or not at all
    Attributes = "attributes", Words, "=map|one|none";
}

/// An odd answer: `NAME[=VALUE][@CALLS]`, where CALLS is a part of a call's method and path template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oddity {
    /// What it is.
    pub odd: Odd,
    /// Its value.
    pub value: Option<String>,
    /// The calls that it is about, where not all that it can be about.
    pub calls: Option<String>,
}

impl Oddity {
    fn words(&self) -> impl Iterator<Item = &str> {
        self.value.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.odd.name())?;
        self.value.iter().try_for_each(|value| write!(f, "={value}"))?;
        self.calls.iter().try_for_each(|calls| write!(f, "@{calls}"))
    }
}

impl From<Oddity> for String {
    fn from(oddity: Oddity) -> Self {
        oddity.to_string()
    }
}

/// The name that a fault begins with.
pub(crate) fn name_of(text: &str) -> &str {
    text.split(['=', '@']).next().unwrap_or(text).trim()
}

impl TryFrom<String> for Oddity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = name_of(&text);
        let odd = Odd::ALL.iter().copied().find(|odd| odd.name() == name);
        let odd = odd.ok_or_else(|| format!("`{name}` is no fault of the sandbox"))?;
        let (head, calls) = match text.split_once('@') {
            Some((head, calls)) => (head, Some(calls.trim().to_owned())),
            None => (text.as_str(), None),
        };
        let value = head.split_once('=').map(|(_, value)| value.trim().to_owned());
        let wrong = |what: &str| Err(format!("`{text}`: {what}: {}", odd.explained()));
        match (odd.form(), &value) {
            (Form::Bare, Some(_)) => return wrong("it takes no value"),
            (Form::Number | Form::Words, None) => return wrong("it needs a value"),
            (Form::First | Form::Number, Some(value)) if value.parse::<u64>().is_err() => {
                return wrong("the value is a whole number");
            }
            (Form::Seconds, Some(value)) if !value.parse::<f64>().is_ok_and(|value| (0.0..=1e9).contains(&value)) => {
                return wrong("the value is a number of seconds");
            }
            _ => {}
        }
        let refuses = |value: &str| {
            let status = value.split_once(':').and_then(|(status, _)| status.parse::<u16>().ok());
            status.is_some_and(|status| (400..600).contains(&status))
        };
        if odd == Odd::Refuse && !value.as_deref().is_some_and(refuses) {
            return wrong("the value is a status from 400 to 599, a colon and a code");
        }
        Ok(Self { odd, value, calls })
    }
}

/// The odd answers of a sandbox, and how many of each have been given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Odds {
    all: Vec<(Oddity, u64)>,
}

impl Odds {
    pub(crate) fn new(all: &[Oddity]) -> Self {
        Self { all: all.iter().map(|oddity| (oddity.clone(), 0)).collect() }
    }

    pub(crate) fn add(&mut self, oddity: Oddity) {
        self.all.push((oddity, 0));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn all_of(&self, odd: Odd, call: &str) -> impl Iterator<Item = &Oddity> {
        let fits = move |oddity: &&Oddity| {
            oddity.odd == odd && oddity.calls.as_ref().is_none_or(|calls| call.contains(calls.as_str()))
        };
        self.all.iter().map(|(oddity, _)| oddity).filter(fits)
    }

    /// Whether it is so for a call.
    pub(crate) fn has(&self, odd: Odd, call: &str) -> bool {
        self.all_of(odd, call).next().is_some()
    }

    /// Whether it is so for this one, of as many as there shall be.
    pub(crate) fn take(&mut self, odd: Odd, call: &str) -> bool {
        let fits = |(oddity, given): &&mut (Oddity, u64)| {
            oddity.odd == odd
                && oddity.calls.as_ref().is_none_or(|calls| call.contains(calls.as_str()))
                && oddity.value.as_ref().and_then(|most| most.parse().ok()).is_none_or(|most: u64| *given < most)
        };
        self.all.iter_mut().find(fits).map(|(_, given)| *given += 1).is_some()
    }

    /// Its number for a call: what was said last counts.
    pub(crate) fn number(&self, odd: Odd, call: &str) -> Option<usize> {
        self.all_of(odd, call).filter_map(|oddity| oddity.value.as_ref()?.parse().ok()).last()
    }

    /// Its seconds, or those that are meant where it has none.
    pub(crate) fn seconds(&self, odd: Odd, call: &str, meant: f64) -> Option<f64> {
        let oddity = self.all_of(odd, call).last()?;
        Some(oddity.value.as_ref().and_then(|value| value.parse().ok()).unwrap_or(meant))
    }

    /// Its words for a call, of all that are given; none at all where it is not so.
    pub(crate) fn words(&self, odd: Odd, call: &str) -> Vec<String> {
        self.all_of(odd, call).flat_map(Oddity::words).map(str::to_owned).collect()
    }

    /// Its value for a call.
    pub(crate) fn value(&self, odd: Odd, call: &str) -> Option<String> {
        self.all_of(odd, call).filter_map(|oddity| oddity.value.clone()).last()
    }

    /// Whether it is so for a word: named, or meant where no words are given.
    pub(crate) fn covers(&self, odd: Odd, call: &str, word: &str) -> bool {
        self.all_of(odd, call).any(|oddity| match &oddity.value {
            None => true,
            Some(_) => oddity.words().any(|known| known.eq_ignore_ascii_case(word)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Oddity, String> {
        Oddity::try_from(text.to_owned())
    }

    #[test]
    fn an_odd_answer_is_written_as_it_is_read() {
        for text in [
            "html_read",
            "html_write=2",
            "omit=skills,version@GET /api/v2/users",
            "array@/api/v2/users/{userId}",
            "refuse=409:general.conflict@PATCH",
            "lagging_search=0.5",
        ] {
            assert_eq!(read(text).map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_name_or_value_that_is_none_is_refused_with_what_it_takes() {
        for (text, why) in [
            ("htlm_read", "`htlm_read` is no fault of the sandbox"),
            ("bom=1", "it takes no value"),
            ("omit", "it needs a value"),
            ("html_read=x", "the value is a whole number"),
            ("late_members=-1", "the value is a number of seconds"),
            ("refuse=200:ok", "a status from 400 to 599"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
    }

    #[test]
    fn names_are_told_apart_and_each_is_explained() {
        let mut names: Vec<&str> = Odd::ALL.iter().map(|odd| odd.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Odd::ALL.len());
        assert!(Odd::ALL.iter().all(|odd| odd.explained().len() > odd.name().len() + 20));
    }

    #[test]
    fn as_many_as_are_asked_for_are_given_and_no_more() {
        let mut odds = Odds::new(&[read("html_read=2@GET").unwrap(), read("bom").unwrap()]);
        let given: Vec<bool> = ["PATCH /", "GET /", "GET /", "GET /"].map(|call| odds.take(Odd::HtmlRead, call)).into();
        assert_eq!(given, [false, true, true, false]);
        assert!(odds.take(Odd::Bom, "x") && odds.take(Odd::Bom, "x"));
    }
}
