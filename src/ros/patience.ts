/** @file How long a transition may keep its caller waiting; what takes longer goes on behind the answer. */

/** A lifecycle client hears within a second. */
const ANSWER_MS = 800;

/** True when the work was done in time. Rejects when it failed in time; a later failure is for the caller to catch. */
export async function isDoneSoon(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, ANSWER_MS);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
