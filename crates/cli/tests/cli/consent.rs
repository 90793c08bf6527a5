//! Nothing is sent that nobody agreed to, nor on another tenant than it was planned for.

use crate::terminal::Terminal;
use crate::world::{Ran, World};
use paceline_journal::{Consent, Entry, Folder, Phase, Reach, RunTenant, Store};
use paceline_sandbox::Options;
use std::process::Stdio;

const FAST: &[&str] = &["--rate", "50000/1"];
const USERS: usize = 6;

fn world() -> World {
    World::new(Options { users: USERS, limit: None, ..Options::default() })
}

/// Every answer takes its time: there is a moment to kill a run in.
fn slow_world() -> World {
    World::new(Options { users: USERS, limit: None, latency_ms: 700, ..Options::default() })
}

fn run(world: &World, args: &[&str]) -> Ran {
    world.run(&[args, FAST].concat())
}

fn on_terminal(world: &World, args: &[&str]) -> Terminal {
    world.on_terminal(&[args, FAST].concat())
}

fn store(world: &World) -> Folder {
    Folder::new(&world.dir.path().join("state"))
}

fn files(world: &World) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(world.dir.path().join("state/runs")) else { return vec![] };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn written(world: &World) -> usize {
    world.sandbox().books().applied.len()
}

fn newest(world: &World) -> String {
    store(world).list().unwrap().remove(0).id
}

fn consent(world: &World, id: &str) -> Option<Consent> {
    store(world).look(id).unwrap().record().unwrap().consent
}

/// Begins a command and kills it as soon as its run is in this phase.
fn killed_in(world: &World, phase: Phase, args: &[&str]) -> String {
    let mut child = world.paceline().args(args).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let reached = || {
        let run = store(world).list().ok()?.into_iter().next()?;
        run.record.is_ok_and(|record| record.phase == phase).then_some(run.id)
    };
    let id = loop {
        match reached() {
            Some(id) => break id,
            None => assert!(child.try_wait().unwrap().is_none(), "it ended before it was {phase:?}"),
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    id
}

fn plan(world: &World) -> String {
    world.roster();
    let saved = run(world, &["plan", "roster.json", "--save", "--format", "json"]);
    saved.json()["run"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_declined_leaves_nothing_behind_and_is_not_sent_by_anything_later() {
    let world = world();
    world.roster();
    for (answer, code) in [("n", 2), ("", 2), ("INT", 130), ("TERM", 130), ("HUP", 130)] {
        let mut asked = on_terminal(&world, &["apply", "roster.json"]);
        asked.asked();
        if code == 130 {
            asked.signal(answer)
        } else {
            asked.enter(answer)
        };
        let ran = asked.end();
        assert_eq!(ran.code, code, "{answer}: {ran:?}");
        assert!(ran.stderr.contains("Cancelled: nothing was sent, nothing is kept"), "{answer}: {ran:?}");
        assert_eq!(files(&world), Vec::<String>::new(), "{answer}");
        let resumed = run(&world, &["resume", "--yes"]);
        assert!(resumed.code == 0 && resumed.stderr.contains("nothing to do"), "{resumed:?}");
    }
    let mut closed = on_terminal(&world, &["apply", "roster.json"]);
    closed.asked();
    closed.close();
    assert_eq!((files(&world), written(&world)), (vec![], 0));
}

#[test]
fn a_yes_is_kept_with_who_gave_it_and_what_it_was_given_to() {
    let world = world();
    world.roster();
    let mut command = world.paceline();
    command.env("USER", "jo").args(["apply", "roster.json", "--max-changes", "90%"]).args(FAST);
    let mut asked = Terminal::begin(&mut command);
    // Five of six: one is right already.
    let first = world.ids()[0].clone();
    assert!(world.sandbox().edit_as_someone(&first, "title", &format!("Title of {first}")));
    asked.asked().enter("y");
    let ran = asked.end();
    assert_eq!((ran.code, world.titles_set()), (0, USERS), "{ran:?}");
    let consent = consent(&world, &newest(&world)).unwrap();
    assert_eq!((consent.by.as_str(), consent.asked, consent.reach), ("jo", true, Reach::All));
    assert_eq!((consent.max_changes.as_deref(), consent.rows, consent.changes), (Some("90%"), 6, Some(5)));
    assert_eq!(consent.tenant.unwrap().name.as_deref(), Some("Sandbox Contact Centre"));
    let world = self::world();
    assert_eq!(world.apply(FAST).code, 0);
    let consent = self::consent(&world, &newest(&world)).unwrap();
    assert_eq!((consent.asked, consent.changes), (false, Some(6)));
}

#[test]
fn a_plan_that_was_kept_stays_one_until_somebody_agrees() {
    let world = world();
    let id = plan(&world);
    for answer in ["n", "INT", "KILL"] {
        let mut asked = on_terminal(&world, &["apply", "--plan", &id]);
        asked.asked();
        if answer == "n" {
            asked.enter(answer)
        } else {
            asked.signal(answer)
        };
        let ran = asked.end();
        let told = ran.stderr.contains("Cancelled: nothing was sent, the plan is kept");
        assert!(told || answer == "KILL", "{answer}: {ran:?}");
        let record = store(&world).look(&id).unwrap().record().unwrap();
        assert_eq!((record.run.command.as_str(), record.phase, record.consent), ("plan", Phase::Planned, None));
        assert!(run(&world, &["resume", "--yes"]).stderr.contains("nothing to do"));
        let named = run(&world, &["resume", &id, "--yes"]);
        assert!(named.code == 2 && named.stderr.contains("apply --plan"), "{named:?}");
        assert!(world.run(&["runs"]).stdout.contains("planned"));
    }
    let bound = run(&world, &["apply", "--plan", &id, "--yes", "--max-changes", "2"]);
    assert!(bound.code == 2 && bound.stderr.contains("--max-changes"), "{bound:?}");
    assert_eq!(written(&world), 0);
    let sent = run(&world, &["apply", "--plan", &id, "--yes", "--format", "json"]);
    assert_eq!((sent.code, written(&world)), (0, USERS), "{sent:?}");
    assert!(consent(&world, &id).unwrap().kept_plan);
}

#[test]
fn what_is_said_when_a_plan_is_sent_is_what_its_resume_goes_on_with() {
    let world = slow_world();
    let id = plan(&world);
    let args = ["apply", "--plan", &id, "--yes", "--canary", "2", "--results", "sent.csv", "--max-concurrent", "1"];
    killed_in(&world, Phase::Sending, &args);
    let ran = run(&world, &["resume"]);
    assert_eq!((ran.code, world.titles_set()), (0, USERS), "{ran:?}");
    let results = std::fs::read_to_string(world.dir.path().join("sent.csv")).unwrap();
    assert_eq!(results.matches(",updated,").count(), USERS);
    assert_eq!(consent(&world, &id).map(|consent| consent.kept_plan), Some(true));
}

#[test]
fn a_plan_that_was_cut_is_sent_by_nothing() {
    let world = slow_world();
    world.roster();
    let id = killed_in(&world, Phase::Planning, &["plan", "roster.json", "--save"]);
    let ran = run(&world, &["apply", "--plan", &id, "--yes"]);
    assert!(ran.code == 2 && ran.stderr.contains("was cut before it was finished"), "{ran:?}");
    assert_eq!(run(&world, &["resume", &id, "--yes"]).code, 2);
    assert!(run(&world, &["resume", "--yes"]).stderr.contains("nothing to do"));
    assert_eq!(world.run(&["runs", "forget", &id, "--yes"]).code, 0);
    for args in [&["plan", "roster.json"][..], &["apply", "roster.json", "--dry-run", "--yes"]] {
        let id = killed_in(&world, Phase::Planning, args);
        let ran = run(&world, &["resume", &id, "--yes"]);
        assert!(ran.code == 2 && ran.stderr.contains("only to be looked at"), "{ran:?}");
        assert!(run(&world, &["resume", "--yes"]).stderr.contains("nothing to do"));
        assert_eq!(run(&world, &["apply", "--plan", &id, "--yes"]).code, 2);
        assert_eq!(world.run(&["runs"]).stdout, "No runs\n", "what is left of it goes with the next list");
    }
    assert_eq!(written(&world), 0);
}

#[test]
fn a_resume_asks_for_the_consent_that_was_never_given() {
    let world = world();
    world.roster();
    let mut killed = on_terminal(&world, &["apply", "roster.json"]);
    killed.asked().signal("KILL");
    killed.end();
    let id = newest(&world);
    let refused = run(&world, &["resume"]);
    assert!(refused.code == 2 && refused.stderr.contains("nobody has agreed to run"), "{refused:?}");
    assert!(refused.stderr.contains("--yes"), "{refused:?}");
    let mut asked = on_terminal(&world, &["resume"]);
    asked.asked();
    asked.signal("INT");
    let ran = asked.end();
    assert_eq!((ran.code, written(&world)), (130, 0), "{ran:?}");
    assert_eq!(files(&world), Vec::<String>::new(), "a run that nobody ever agreed to is no run");
    let mut killed = on_terminal(&world, &["apply", "roster.json"]);
    killed.asked().signal("KILL");
    killed.end();
    assert_ne!(newest(&world), id);
    let mut asked = on_terminal(&world, &["resume"]);
    asked.until("Going on with run").until("Sandbox Contact Centre").until("6 of 6 rows left").asked().enter("y");
    let ran = asked.end();
    assert_eq!((ran.code, world.titles_set()), (0, USERS), "{ran:?}");
}

#[test]
fn a_run_that_was_begun_with_yes_is_gone_on_with_unasked_and_under_its_bounds() {
    let world = slow_world();
    world.roster();
    let id = killed_in(&world, Phase::Planning, &["apply", "roster.json", "--yes", "--max-changes", "2"]);
    let ran = run(&world, &["resume"]);
    assert!(ran.code == 2 && ran.stderr.contains("more than --max-changes"), "{ran:?}");
    assert!(ran.stderr.contains(&id) && ran.stderr.contains("roster.json"), "{ran:?}");
    assert_eq!(written(&world), 0);
    killed_in(&world, Phase::Planning, &["apply", "roster.json", "--yes", "--max-changes", "100%"]);
    let ran = run(&world, &["resume"]);
    assert_eq!((ran.code, written(&world)), (0, USERS), "{ran:?}");
}

#[test]
fn what_follows_a_canary_is_asked_for_until_somebody_agrees() {
    for (answer, code) in [("n", 3), ("INT", 130)] {
        let world = world();
        world.roster();
        let mut asked = on_terminal(&world, &["apply", "roster.json", "--canary", "2"]);
        asked.asked().enter("y").until("The canary's 2 rows succeeded. Send the other 4?").asked();
        if answer == "n" {
            asked.enter(answer)
        } else {
            asked.signal(answer)
        };
        let ran = asked.end();
        assert_eq!((ran.code, written(&world)), (code, 2), "{answer}: {ran:?}");
        let refused = run(&world, &["resume"]);
        assert!(refused.code == 2 && refused.stderr.contains("more than its canary"), "{refused:?}");
        let mut asked = on_terminal(&world, &["resume"]);
        asked.until("Send the other 4?").asked().enter("n");
        let ran = asked.end();
        assert!(ran.code == 2 && ran.stderr.contains("Cancelled: nothing more was sent"), "{ran:?}");
        assert_eq!(written(&world), 2);
        let ran = run(&world, &["resume", "--yes"]);
        assert_eq!((ran.code, written(&world)), (0, USERS), "{ran:?}");
    }
}

#[test]
fn a_canary_runs_until_it_has_run_and_one_that_failed_lets_nobody_follow_unasked() {
    let mut options = Options { users: 20, limit: None, ..Options::default() };
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users.insert(ids[0].clone(), 400);
    let world = World::new(options);
    world.roster();
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", "roster.json", "--yes", "--canary", "2"]).args(FAST);
    assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
    let ran = run(&world, &["resume", "--format", "json"]);
    assert_eq!((ran.code, written(&world)), (3, 1), "{ran:?}");
    assert!(ran.json()["halt"]["cause"].as_str().unwrap().contains("1 of the 2 canary rows"), "{ran:?}");
    let refused = run(&world, &["resume"]);
    assert_eq!((refused.code, written(&world)), (2, 1), "{refused:?}");
    let ran = run(&world, &["resume", "--yes"]);
    assert_eq!((ran.code, written(&world)), (1, 19), "{ran:?}");
}

#[test]
fn a_canary_that_is_asked_for_later_holds_back_the_others_too() {
    let mut options = Options { users: 20, limit: None, ..Options::default() };
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users.insert(ids[0].clone(), 400);
    let world = World::new(options);
    world.roster();
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", "roster.json", "--yes"]).args(FAST);
    assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
    assert_eq!((run(&world, &["resume", "--canary", "2"]).code, written(&world)), (3, 1));
    let refused = run(&world, &["resume"]);
    assert_eq!((refused.code, written(&world)), (2, 1), "{refused:?}");
}

fn elsewhere() -> RunTenant {
    RunTenant {
        id: Some("org-2".into()),
        name: Some("Another Centre".into()),
        base_url: "https://api.example.com".into(),
        client_id: "client".into(),
    }
}

/// As if the run had been planned on another tenant.
fn moved(world: &World, id: &str) {
    store(world).open(id).unwrap().append(&[Entry::Tenant(elsewhere())]).unwrap();
}

fn refuses_the_tenant(ran: &Ran) {
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("Another Centre (org-2)"), "{ran:?}");
    assert!(ran.stderr.contains("Sandbox Contact Centre (org-1)"), "{ran:?}");
}

#[test]
fn another_tenant_than_the_runs_is_refused_and_both_are_named() {
    let world = world();
    let id = plan(&world);
    moved(&world, &id);
    refuses_the_tenant(&run(&world, &["apply", "--plan", &id, "--yes"]));
    assert_eq!(store(&world).look(&id).unwrap().record().unwrap().run.command, "plan", "it stays a plan");
    assert_eq!(world.run(&["runs", "forget", &id, "--yes"]).code, 0);
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", "roster.json", "--yes"]);
    assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
    let id = newest(&world);
    moved(&world, &id);
    let before = store(&world).look(&id).unwrap().record().unwrap();
    refuses_the_tenant(&run(&world, &["resume", &id, "--yes"]));
    let after = store(&world).look(&id).unwrap().record().unwrap();
    assert_eq!((after.state, after.halt, after.phase), (before.state, before.halt, before.phase), "left as it was");
    assert_eq!(written(&world), 0);
    let ran = world.apply(FAST);
    let id = ran.json()["run"].as_str().unwrap().to_owned();
    moved(&world, &id);
    refuses_the_tenant(&run(&world, &["undo", &id, "--yes"]));
    assert_eq!((world.titles_set(), files(&world).iter().filter(|name| name.ends_with(".db")).count()), (USERS, 2));
}

#[test]
fn where_nothing_is_read_base_url_and_client_stand_for_the_tenant() {
    let (world, other) = (world(), world());
    world.roster();
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", "roster.json", "--yes", "--blind"]).args(FAST);
    assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
    let mut there = world.paceline();
    there.env("PACELINE_BASE_URL", other.url()).args(["resume", "--yes"]).args(FAST);
    let ran = Ran::from(there.output().unwrap());
    assert!(ran.code == 2 && ran.stderr.contains(&other.url()) && ran.stderr.contains(&world.url()), "{ran:?}");
    assert!(other.sandbox().books().calls.is_empty());
    let mut other_client = world.paceline();
    other_client.env("GENESYS_CLIENT_ID", "somebody-else").args(["resume", "--yes"]).args(FAST);
    let ran = Ran::from(other_client.output().unwrap());
    assert!(ran.code == 2 && ran.stderr.contains("as client somebody-else"), "{ran:?}");
    let ran = run(&world, &["resume", "--yes", "--format", "json"]);
    assert_eq!((ran.code, ran.json()["calls"]["read"].as_u64()), (0, Some(0)), "no call is added: {ran:?}");
}

#[test]
fn a_run_of_another_vendor_is_neither_undone_nor_gone_on_with() {
    let world = world();
    let id = world.apply(FAST).json()["run"].as_str().unwrap().to_owned();
    let mut nice = world.paceline();
    nice.env("PACELINE_VENDOR", "nice").args(["undo", &id, "--yes"]);
    let ran = Ran::from(nice.output().unwrap());
    assert!(ran.code == 2 && ran.stderr.contains("is of genesys, not of nice"), "{ran:?}");
    assert_eq!(world.titles_set(), USERS);
}
