/** @file Loaded before the tests: one seed for all property tests, so that a run can be repeated. FAST_CHECK_SEED sets another. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20260101) });
