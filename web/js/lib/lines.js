/**
 * Lines: who may hold a connection to the server open.
 *
 * Over HTTP/1.1 a browser opens six connections to one host, for all its tabs together; a stream holds
 * one until its run ends, and a seventh request of any kind waits for it. So only a few streams are
 * open at a time. A run that finds no free line is polled, one poll after the other, which leaves at
 * least one connection for everything else: Stop always gets through.
 */

import { Slots } from "./slots.js";

const STREAMS = 4;

/**
 * @typedef {object} Lines
 * @property {() => Promise<(() => void) | null>} take  resolves to what gives the line back, or to null
 *   when none is free
 * @property {<T>(work: () => Promise<T>) => Promise<T>} poll  runs `work` when it is its turn
 */

/** As many as wanted: for one who reads one stream. @type {Lines} */
export const UNLIMITED = {
  take: async () => () => {},
  poll: (work) => work(),
};

/** None at all: for tabs that cannot know of each other. @type {Lines} */
export const POLLS_ONLY = {
  take: async () => null,
  poll: (work) => work(),
};

/** The lines of one place that reads for all tabs. @returns {Lines} */
export function countedLines() {
  const polls = new Slots(1);
  let free = STREAMS;
  return {
    poll: (work) => polls.run(work),
    async take() {
      if (free === 0) return null;
      free -= 1;
      return () => {
        free += 1;
      };
    },
  };
}

/**
 * The lines of tabs that cannot share a reader: each is a lock that all tabs know, and the browser
 * takes it back from a tab that is gone.
 * @param {Pick<LockManager, "request">} locks
 * @returns {Lines}
 */
export function lockedLines(locks) {
  return {
    poll: (work) => /** @type {any} */ (locks.request("footnote:poll", work)),
    async take() {
      for (let line = 1; line <= STREAMS; line += 1) {
        const giveBack = await tryLock(locks, `footnote:stream:${line}`);
        if (giveBack !== null) return giveBack;
      }
      return null;
    },
  };
}

/**
 * @param {Pick<LockManager, "request">} locks
 * @param {string} name
 * @returns {Promise<(() => void) | null>}
 */
function tryLock(locks, name) {
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) return resolve(null);
      return new Promise((giveBack) => resolve(() => giveBack(undefined)));
    });
    held.catch(reject);
  });
}
