//! Lists with calls of their own: skills, languages, groups, queues and roles.
//!
//! What only adds or only takes away is sent as that, so that it replaces nothing that a colleague put there meanwhile.

use super::fields::{self, Mode};
use super::grants::{EVERYWHERE, is_unplaced};
use super::maker::{Maker, not_told};
use super::{limits, record};
use paceline_core::desired::Row;
use paceline_core::diff;
use paceline_core::plan::Change;
use paceline_core::vendor::{Named, Names, Refusal};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Ratings = BTreeMap<String, Value>;

/// Skills or languages: what the user shall have in the end, whatever of `x`, `x+` and `x-` the row has.
pub(super) fn rated(maker: &mut Maker<'_>, row: &Row, names: &Names, list: &str) -> Result<(), Refusal> {
    let columns: Vec<&String> = row.fields.keys().filter(|column| fields::mode(column).0 == list).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let held = record::rated(&maker.user.record, list).ok_or_else(|| not_told(list))?;
    let singular = fields::list(list).unwrap_or_default();
    let mut wanted = held.clone();
    let mut replaces = false;
    for column in &columns {
        let items = row.fields[*column].as_array().cloned().unwrap_or_default();
        let mode = fields::mode(column).1;
        if mode == Mode::Replace {
            replaces = true;
            wanted.clear();
        }
        for item in &items {
            // An id is meant where there is one, whatever the name beside it says.
            let text = item["id"].as_str().or_else(|| item["name"].as_str()).or_else(|| item.as_str());
            let Named { id, name } = names.resolve(singular, text.unwrap_or_default())?;
            if mode == Mode::Remove {
                wanted.remove(id);
                continue;
            }
            // Without a proficiency, one that the user has stays as it is.
            let known = held.get(id).map(|item| item["proficiency"].clone());
            let told = item.get("proficiency").filter(|told| !told.is_null()).cloned();
            let proficiency = told.or(known).unwrap_or(json!(0.0));
            wanted.insert(id.clone(), json!({"name": name, "proficiency": proficiency}));
        }
    }
    let columns: Vec<String> = columns.into_iter().cloned().collect();
    if list == "skills" && replaces {
        let whole = |items: &Ratings| Map::from_iter([("skills".to_owned(), record::whole(items, &[]))]);
        // A skill goes by its id: what the answer calls it is no difference.
        let known = whole(&wanted);
        let before = Map::from_iter([("skills".to_owned(), record::whole(&held, &[known.get("skills")]))]);
        maker.push("skills", columns, before, known);
    } else {
        ratings(maker, list, "", &columns, &held, &wanted);
    }
    Ok(())
}

/// Adds and rates by the call that adds, and takes away by the one that takes away. Changes go by their keys: what takes
/// several of one row back is told apart by the `group` of what it takes back.
fn ratings(maker: &mut Maker<'_>, list: &str, group: &str, columns: &[String], held: &Ratings, wanted: &Ratings) {
    let key = |id: &String| format!("{list}/{id}");
    let (add, remove) = if list == "skills" { ("skills+", "skill-") } else { ("languages", "language-") };
    for (id, item) in held.iter().filter(|(id, _)| !wanted.contains_key(*id)) {
        let one = |value: Value| Map::from_iter([(key(id), value)]);
        maker.push(remove, columns.to_vec(), one(item.clone()), one(Value::Null));
    }
    let differs = |(id, item): &(&String, &Value)| {
        held.get(*id).is_none_or(|held| !diff::same(&held["proficiency"], &item["proficiency"]))
    };
    let set: Vec<(&String, &Value)> = wanted.iter().filter(differs).collect();
    for (at, some) in set.chunks(limits::RATINGS.most).enumerate() {
        let before = some.iter().map(|(id, _)| (key(id), held.get(*id).cloned().unwrap_or(Value::Null))).collect();
        let after = some.iter().map(|(id, item)| (key(id), (*item).clone())).collect();
        let group = if at == 0 { group.to_owned() } else { format!("{group}{at}") };
        maker.push_to(group, add, columns.to_vec(), before, after);
    }
}

/// A role that a row asks for, and the divisions that it is granted in, where the row says so.
struct Asked {
    id: String,
    name: String,
    divisions: BTreeSet<String>,
}

/// One item of a membership list: a name or an id; a role may name its divisions, as the vendor's importer writes it
/// (`Agent:[Home; Sales]`), or as an object (`{"name", "divisions"}`).
fn asked(item: &Value, list: &str, names: &Names) -> Result<Asked, Refusal> {
    let singular = fields::list(list).unwrap_or_default();
    let text = item["id"].as_str().or_else(|| item["name"].as_str()).or_else(|| item.as_str()).unwrap_or_default();
    let found = names.resolve(singular, text);
    let (found, divisions) = match (found, granted(text).filter(|_| list == "roles")) {
        (Err(_), Some((role, divisions))) => (names.resolve(singular, role)?, divisions),
        (found, _) => {
            let divisions = item["divisions"].as_array().into_iter().flatten();
            (found?, divisions.filter_map(Value::as_str).collect())
        }
    };
    let id = |text: &str| match text {
        EVERYWHERE => Ok(text.to_owned()),
        _ => Ok(names.resolve("division", text)?.id.clone()),
    };
    let divisions = divisions.into_iter().map(id).collect::<Result<_, Refusal>>()?;
    Ok(Asked { id: found.id.clone(), name: found.name.clone(), divisions })
}

/// `Agent:[Home; Sales]` → `Agent` and its divisions.
fn granted(text: &str) -> Option<(&str, Vec<&str>)> {
    let (role, divisions) = text.trim().strip_suffix(']')?.split_once('[')?;
    let role = role.trim_end().strip_suffix(':')?.trim();
    Some((role, divisions.split([';', ',']).map(str::trim).filter(|name| !name.is_empty()).collect()))
}

/// What a row asks of one group, queue or role, in whichever of `x`, `x+` and `x-`: to join and to leave, each with the
/// column that says so and the divisions that it names. Only of a role may it ask both, in different divisions.
#[derive(Default)]
struct Wish {
    name: String,
    joins: Option<(String, BTreeSet<String>)>,
    leaves: Option<(String, BTreeSet<String>)>,
}

impl Wish {
    /// Several items of one role add up.
    fn join(&mut self, column: &str, divisions: BTreeSet<String>) {
        self.leaves = None;
        self.joins.get_or_insert_with(|| (column.to_owned(), BTreeSet::new())).1.extend(divisions);
    }

    /// To leave wins over to join. Without divisions all of them are meant.
    fn leave(&mut self, column: &str, divisions: BTreeSet<String>) {
        self.joins = self.joins.take().and_then(|(column, joined)| {
            let kept: BTreeSet<String> = joined.difference(&divisions).cloned().collect();
            (!divisions.is_empty() && (joined.is_empty() || !kept.is_empty())).then_some((column, kept))
        });
        self.leaves = match self.leaves.take() {
            Some((column, all)) if all.is_empty() => Some((column, all)),
            Some((column, some)) if !divisions.is_empty() => Some((column, some.union(&divisions).cloned().collect())),
            _ => Some((column.to_owned(), divisions)),
        };
    }
}

/// Groups, queues or roles: one change for each that is joined or left.
pub(super) fn members(maker: &mut Maker<'_>, row: &Row, names: &Names, list: &str) -> Result<(), Refusal> {
    if !row.fields.keys().any(|column| fields::mode(column).0 == list) {
        return Ok(());
    }
    let held = record::memberships(&maker.user.record, list).ok_or_else(|| not_told(list))?;
    let mut wishes: BTreeMap<String, Wish> = BTreeMap::new();
    for (column, value) in row.fields.iter().filter(|(column, _)| fields::mode(column).0 == list) {
        let (_, mode) = fields::mode(column);
        if mode == Mode::Replace {
            for (id, name) in &held {
                let wish = wishes.entry(id.clone()).or_default();
                wish.name = name.as_str().unwrap_or(id).to_owned();
                wish.leave(column, BTreeSet::new());
            }
        }
        for item in value.as_array().into_iter().flatten() {
            let Asked { id, name, divisions } = asked(item, list, names)?;
            let wish = wishes.entry(id).or_default();
            wish.name = name;
            match mode {
                Mode::Remove => wish.leave(column, divisions),
                _ => wish.join(column, divisions),
            }
        }
    }
    for (id, Wish { name, joins, leaves }) in wishes {
        let one = |member: bool| Map::from_iter([(format!("{list}/{id}"), json!({"name": name, "member": member}))]);
        let is_member = held.contains_key(&id);
        let divisions = record::divisions_of(&maker.user.record, &id).filter(|_| list == "roles");
        let role = Role { id: &id, name: &name, is_member, held: divisions.as_ref() };
        let held_in = role.held.and(role.divisions().ok()).filter(|divisions| is_member && !divisions.is_empty());
        match joins {
            Some((column, divisions)) if !divisions.is_empty() => role.grant(maker, column, &divisions)?,
            Some((column, _)) => {
                let leaves_all = |held: &BTreeSet<String>| {
                    leaves.as_ref().is_some_and(|(_, gone)| !gone.is_empty() && held.is_subset(gone))
                };
                if held_in.as_ref().is_some_and(leaves_all) {
                    return Err(contradiction(&column, &name));
                }
                maker.push(&format!("{list}+"), vec![column], one(is_member), one(true));
            }
            None => {}
        }
        match (leaves, held_in) {
            (Some((column, divisions)), _) if !divisions.is_empty() => role.revoke(maker, column, &divisions)?,
            // What a list replaces is what was read of it: a colleague's grant in another division is no part of that.
            (Some((column, _)), Some(held)) if fields::mode(&column).1 == Mode::Replace => {
                role.revoke(maker, column, &held)?;
            }
            (Some((column, _)), _) => {
                let mut before = one(is_member);
                // In the divisions where it was held, an undo grants it again.
                let kept = role.held.filter(|ids| is_member && ids.as_array().is_some_and(|ids| !ids.is_empty()));
                before.extend(kept.map(|ids| (format!("divisions/{id}"), ids.clone())));
                maker.push(&format!("{list}-"), vec![column], before, one(false));
            }
            (None, _) => {}
        }
    }
    Ok(())
}

fn contradiction(column: &str, role: &str) -> Refusal {
    let message = format!(
        "`{column}` asks for the role `{role}`, and `roles-` takes it away in every division that the user holds it in: name its divisions, or leave one of them out"
    );
    Refusal::own("contradiction", message)
}

/// A role as a user holds it.
struct Role<'a> {
    id: &'a str,
    name: &'a str,
    is_member: bool,
    /// The divisions, where they are told.
    held: Option<&'a Value>,
}

impl Role<'_> {
    fn divisions(&self) -> Result<BTreeSet<String>, Refusal> {
        match self.held {
            Some(ids) => {
                Ok(ids.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            None if !self.is_member => Ok(BTreeSet::new()),
            None => Err(not_told("roles in their divisions")),
        }
    }

    /// Grants it in those of the divisions where it is not held yet.
    fn grant(&self, maker: &mut Maker<'_>, column: String, asked: &BTreeSet<String>) -> Result<(), Refusal> {
        let held = self.divisions()?;
        let missing: BTreeSet<&String> = asked.difference(&held).filter(|_| !held.contains(EVERYWHERE)).collect();
        self.push(maker, "grants+", column, &missing, (self.is_member, &held), (true, &(&held | asked)));
        Ok(())
    }

    /// Takes it away in those of the divisions where it is held.
    fn revoke(&self, maker: &mut Maker<'_>, column: String, asked: &BTreeSet<String>) -> Result<(), Refusal> {
        let held = self.divisions()?;
        if held.contains(EVERYWHERE) && !asked.contains(EVERYWHERE) {
            let message = format!(
                "the role `{}` is granted in every division at once (`*`) and cannot be taken away in single ones: take `{}:[*]` away and grant it where it shall stay",
                self.name, self.name
            );
            return Err(Refusal::own("granted.everywhere", message));
        }
        let taken: BTreeSet<&String> = asked.intersection(&held).collect();
        let left = &held - asked;
        self.push(maker, "grants-", column, &taken, (self.is_member, &held), (!left.is_empty(), &left));
        Ok(())
    }

    fn push(
        &self,
        maker: &mut Maker<'_>,
        kind: &str,
        column: String,
        divisions: &BTreeSet<&String>,
        before: (bool, &BTreeSet<String>),
        after: (bool, &BTreeSet<String>),
    ) {
        if divisions.is_empty() {
            return;
        }
        let all = |(member, divisions): (bool, &BTreeSet<String>)| {
            Map::from_iter([
                (format!("roles/{}", self.id), json!({"name": self.name, "member": member})),
                (format!("divisions/{}", self.id), json!(divisions)),
            ])
        };
        let group = divisions.iter().fold(self.id.to_owned(), |group, id| format!("{group} {id}"));
        maker.push_to(group, kind, vec![column], all(before), all(after));
    }
}

/// What an undo of `roles+` takes away, from the user as it was read: the grant that it finds. Where there are others,
/// `record::holds` has told them apart.
pub(super) fn placed(mut change: Change, record: &Value) -> Change {
    if change.kind != "grants-" || !is_unplaced(&change.key.group) {
        return change;
    }
    let role = change.key.group.clone();
    if let Some(held) = record::divisions_of(record, &role) {
        change.key.group = format!("{role} {}", ids(&held));
        change.before.insert(format!("divisions/{role}"), held);
        change.after.insert(format!("divisions/{role}"), json!([]));
    }
    change
}

/// The roles whose divisions a row's changes turn on: those it takes away, and those it grants in some divisions to a user
/// who has them in others.
pub(super) fn divided_roles(row: &Row, names: &Names, user: &Value) -> BTreeSet<String> {
    let held = record::memberships(user, "roles").unwrap_or_default();
    let (mut kept, mut matter) = (BTreeSet::new(), BTreeSet::new());
    let mut replaces = false;
    for (column, value) in row.fields.iter().filter(|(column, _)| fields::mode(column).0 == "roles") {
        let mode = fields::mode(column).1;
        replaces |= mode == Mode::Replace;
        for item in value.as_array().into_iter().flatten() {
            let Ok(item) = asked(item, "roles", names) else { continue };
            if mode == Mode::Remove || !item.divisions.is_empty() {
                matter.insert(item.id);
            } else {
                kept.insert(item.id);
            }
        }
    }
    matter.extend(held.keys().filter(|id| replaces && !kept.contains(*id)).cloned());
    matter.retain(|id| held.contains_key(id));
    matter
}

/// Whether a value of a roster names divisions beside its roles.
pub(super) fn names_divisions(text: &str) -> bool {
    text.contains("\"divisions\"") || fields::texts(text).iter().any(|item| granted(item).is_some())
}

/// The ids of the roles that a value of a roster takes away, or grants in divisions.
pub(super) fn divided(text: &str, removes: bool, names: &Names) -> Vec<String> {
    let items = fields::texts(text).into_iter().filter(|item| removes || granted(item).is_some());
    let role = |item: String| {
        let name = granted(&item).map_or(item.as_str(), |(role, _)| role);
        Some(names.resolve("role", name).ok()?.id.clone())
    };
    items.filter_map(role).collect()
}

/// The changes that take a change of these lists back: what was added is taken away, what was taken away is added.
pub(super) fn undo(maker: &mut Maker<'_>, change: &Change) {
    let (before, after, columns) = (change.after.clone(), change.before.clone(), change.columns.clone());
    let role = change.key.group.split(' ').next().unwrap_or_default();
    let divisions = format!("divisions/{role}");
    match change.kind.as_str() {
        kind @ ("skills+" | "skill-" | "languages" | "language-") => {
            let list = if kind.starts_with("skill") { "skills" } else { "languages" };
            let held = |map: &Map<String, Value>| -> Ratings {
                let items = map.iter().filter(|(_, item)| !item.is_null());
                items.filter_map(|(key, item)| Some((key.split_once('/')?.1.to_owned(), item.clone()))).collect()
            };
            ratings(maker, list, &change.key.group, &columns, &held(&before), &held(&after));
        }
        "roles-" if after.contains_key(&divisions) => {
            maker.push_to(format!("{role} {}", ids(&after[&divisions])), "grants+", columns, before, after);
        }
        // Which division the vendor has granted it in is not told: only that grant is taken away, and no colleague's.
        "roles+" => maker.push_to(role.to_owned(), "grants-", columns, before, after),
        // In those divisions, and no others.
        "grants+" => maker.push_to(change.key.group.clone(), "grants-", columns, before, after),
        "grants-" => maker.push_to(change.key.group.clone(), "grants+", columns, before, after),
        kind => {
            let back = match (kind.strip_suffix('+'), kind.strip_suffix('-')) {
                (Some(list), _) => format!("{list}-"),
                (_, Some(list)) => format!("{list}+"),
                _ => kind.to_owned(),
            };
            maker.push(&back, columns, before, after);
        }
    }
}

fn ids(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}
