/** What a step is about in a word, a colour and a few sentences. */
import type { Step } from '#src/core/adapter.ts';

/** `good` is over, `attention` hurts, `warning` may, `accent` is planned or advice, `neutral` is news after the end. */
export type Tone = 'good' | 'attention' | 'warning' | 'accent' | 'neutral';

const STAGES: Readonly<Record<string, string>> = {
  inprogress: 'In progress',
  actionrequired: 'Action required',
  rca: 'Root cause analysis',
  pir: 'Post-incident review',
};

/** Azure's stage in words, in capitals once it is over: `Active`, `RESOLVED`, `COMPLETE`, `Root cause analysis`. */
export function stageWord(step: Step): string {
  const { stage, state } = step.incident;
  const word = stage === null ? '' : (STAGES[stage.toLowerCase()] ?? stage);
  if (step.action === 'retract') return 'RETRACTED';
  if (step.action === 'note') return word === '' ? 'Note' : word;
  if (isOver(step)) {
    if (stage !== null && ['complete', 'completed', 'canceled', 'cancelled'].includes(stage.toLowerCase()))
      return stage.toUpperCase();
    return state === 'closed' ? 'CLOSED' : 'RESOLVED';
  }
  return word === '' ? capitalised(state) : word;
}

/** The marks that a reader must see first. */
export function markWords(step: Step): string[] {
  const marks: [string, boolean][] = [
    ['TEST', step.test],
    ['REPEAT', step.repeat],
    ['LATE', step.late],
    ['CATCH-UP', step.catchUp],
    [step.remark?.word ?? '', step.remark !== undefined],
  ];
  return marks.filter(([, applies]) => applies).map(([word]) => word);
}

/** One sentence per mark; a retraction explains itself too. */
export function noticesOf(step: Step): string[] {
  const [first, last] = step.covers;
  const notices: [string, boolean][] = [
    ['This is a test of this destination. Nothing is wrong.', step.test],
    ['You may have seen this before: the last try got no answer, so it is sent once more.', step.repeat],
    ['Learned late: Azure could not reach us when this happened.', step.late],
    [`Covers revisions ${first} to ${last} in one message.`, step.catchUp],
    [step.remark?.sentence ?? '', step.remark !== undefined],
    ['Azure says that this was no issue after all.', step.action === 'retract'],
    ['Closed by age or by hand, not by Azure.', step.action === 'resolve' && step.incident.state === 'closed'],
  ];
  return notices.filter(([, applies]) => applies).map(([sentence]) => sentence);
}

/** The colour of a step. */
export function toneOf(step: Step): Tone {
  const { kind, severity } = step.incident;
  if (step.action === 'note') return 'neutral';
  if (isOver(step) || step.action === 'retract') return 'good';
  if (kind === 'maintenance' || kind === 'advisory') return severity === 'critical' ? 'warning' : 'accent';
  if (severity === 'critical' || severity === 'error') return 'attention';
  return severity === 'warning' ? 'warning' : 'accent';
}

function isOver(step: Step): boolean {
  return step.action === 'resolve' || step.incident.state === 'resolved' || step.incident.state === 'closed';
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
