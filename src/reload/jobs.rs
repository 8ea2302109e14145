//! Background work of the configuration in force, reconciled by name and fingerprint: an unrelated
//! edit does not restart it.

use std::collections::HashMap;

use tokio::task::JoinHandle;
use tollgate_api::Job;

/// Runs the jobs of the configuration in force.
#[derive(Default)]
pub struct Scheduler(HashMap<String, Running>);

struct Running {
    fingerprint: u64,
    task: JoinHandle<()>,
}

impl Scheduler {
    /// Starts what is new, keeps what is unchanged, stops what is gone.
    pub fn reconcile(&mut self, jobs: &[Job]) {
        let mut next = HashMap::with_capacity(jobs.len());
        for job in jobs {
            // Plugins that share state declare the same job.
            if next.contains_key(&job.name) {
                continue;
            }
            let kept = self.0.remove(&job.name).filter(|running| {
                running.fingerprint == job.fingerprint && !running.task.is_finished()
            });
            let running = kept.unwrap_or_else(|| Running {
                fingerprint: job.fingerprint,
                task: start(job.clone()),
            });
            next.insert(job.name.clone(), running);
        }
        self.0 = next;
    }

    /// Number of jobs that run.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Running {
    /// A task that nobody keeps would run on for ever.
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn start(job: Job) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            (job.run)().await;
            tokio::time::sleep(job.every).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use tollgate_api::Jobs;

    use super::*;

    fn jobs(runs: &Arc<AtomicU32>, fingerprint: u64) -> Vec<Job> {
        let mut jobs = Jobs::default();
        let runs = runs.clone();
        jobs.every("resolve", fingerprint, Duration::from_mins(1), move || {
            let runs = runs.clone();
            async move {
                runs.fetch_add(1, Ordering::SeqCst);
            }
        });
        jobs.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unchanged_job_is_not_restarted_and_a_changed_one_is() {
        let runs = Arc::new(AtomicU32::new(0));
        let mut scheduler = Scheduler::default();
        scheduler.reconcile(&jobs(&runs, 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        scheduler.reconcile(&jobs(&runs, 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1, "the same fingerprint goes on waiting");
        scheduler.reconcile(&jobs(&runs, 2));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2, "another fingerprint starts anew");
        scheduler.reconcile(&[]);
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(runs.load(Ordering::SeqCst), 2, "what is gone does not run");
        assert!(scheduler.is_empty(), "nothing is left");
    }
}
