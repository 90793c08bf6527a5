//! A run's surroundings: the sandbox in the network's place, a journal without a file.

use paceline_core::desired::Row;
use paceline_core::user::UserKey;
use paceline_core::vendor::{Answer, Credentials, Method};
use paceline_engine::{
    Answering, Clock, Event, Interrupt, Lost, Outgoing, Run, Settings, Stop, Target, Tools, Transport,
};
use paceline_journal::{Consent, Journal, NewRun, Reach, Sqlite};
use paceline_sandbox::{CLIENT_ID, CLIENT_SECRET, Fate, Request, Sandbox};
use paceline_vendors::by_name;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// The sandbox as a transport. Its time is the run's.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) clock: Clock,
    sandbox: Arc<Mutex<Sandbox>>,
}

impl Stage {
    pub(crate) fn new(options: paceline_sandbox::Options) -> Self {
        // A calendar that no machine's clock decides.
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { clock: Clock::start(wall), sandbox: Arc::new(Mutex::new(Sandbox::new(options))) }
    }

    pub(crate) fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap()
    }

    pub(crate) fn tools(&self, interrupt: Interrupt, events: Arc<dyn Fn(Event) + Send + Sync>) -> Tools {
        Tools {
            vendor: Arc::from(by_name("genesys", None).unwrap()),
            transport: Arc::new(self.clone()),
            credentials: Credentials::client(CLIENT_ID, SecretString::from(CLIENT_SECRET)),
            clock: self.clock,
            interrupt,
            events,
            seed: 7,
        }
    }

    /// A journal with a row for each of the tenant's users: a new title.
    pub(crate) fn journal(&self) -> Sqlite {
        let mut journal = Sqlite::temporary(&new_run()).unwrap();
        self.fill(&mut journal);
        journal
    }

    pub(crate) fn fill(&self, journal: &mut dyn Journal) {
        let ids = self.sandbox().user_ids();
        let mut rows = ids.into_iter().zip(1..).map(|(id, number)| Row {
            number,
            line: number + 1,
            fields: json!({"title": format!("Title of {id}")}).as_object().unwrap().clone(),
            key: UserKey::id(id),
        });
        journal.import(&mut || rows.next()).unwrap();
    }

    pub(crate) async fn begin(&self, settings: Settings, journal: Box<dyn Journal>, interrupt: Interrupt) -> Run {
        let tools = self.tools(interrupt, Arc::new(|_| {}));
        Run::begin(tools, settings, journal, BTreeSet::from(["title".into()])).await.unwrap()
    }

    fn request(outgoing: Outgoing) -> Request {
        match outgoing.target {
            Target::Api { request, token } => Request {
                method: request.method.as_str().into(),
                target: request.target,
                headers: vec![("authorization".into(), format!("Bearer {}", token.expose_secret()))],
                body: request.body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            },
            Target::Token(..) => {
                let body = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
                let method = Method::Post.as_str().into();
                Request { method, target: "/oauth/token".into(), headers: vec![], body: body.into_bytes() }
            }
            Target::Document(url) => Request { method: Method::Get.as_str().into(), target: url, ..Request::default() },
        }
    }
}

impl Transport for Stage {
    fn send(&self, outgoing: Outgoing) -> Answering<'_> {
        Box::pin(async move {
            // Half of a call's time is the way there.
            let way = Duration::from_millis(1);
            self.clock.until(self.clock.now() + way).await;
            let reply = self.sandbox().handle(self.clock.now(), self.clock.wall(), &Self::request(outgoing));
            self.clock.until(self.clock.now() + reply.delay + way).await;
            match reply.fate {
                Fate::Delivered => Ok(Answer::new(reply.status, reply.headers, reply.body)),
                Fate::Reset => Err(Lost::Broken("reset on purpose".into())),
                Fate::Hang => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn new_run() -> NewRun {
    NewRun {
        id: "test".into(),
        vendor: "genesys".into(),
        command: "apply".into(),
        roster: "roster.csv".into(),
        created: String::new(),
        settings: Value::Null,
    }
}

/// Somebody's yes to everything; to a canary alone where `reach` says so.
pub(crate) fn consent(reach: Reach, canary: Option<u64>) -> Consent {
    Consent {
        at: String::new(),
        by: "a test".into(),
        asked: false,
        reach,
        canary,
        max_changes: None,
        rows: 0,
        changes: None,
        tenant: None,
        kept_plan: false,
    }
}

/// The whole story of a run.
pub(crate) async fn play(mut run: Run) -> paceline_core::summary::Summary {
    let ended = async {
        run.plan().await?;
        run.agreed(consent(Reach::All, None)).await?;
        run.send(&mut |_| Box::pin(async { Some(consent(Reach::All, None)) })).await
    };
    let ended: Result<(), Stop> = ended.await;
    run.close(ended).await.summary
}
