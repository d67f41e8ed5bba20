/** Conformance bench of the email adapter. */
import { closeTransports } from '#adapters/email/transport.ts';
import { SmtpStandIn, type ReceivedMail } from '#test/support/vendors/smtp.ts';
import type { ConformanceBench, ObservedMessage } from '../bench.ts';

export const bench: ConformanceBench = {
  kind: 'email',
  transport: 'smtp',
  lifecycle: 'messages',
  cutsText: false,
  requestsBeforeWrite: 0,
  wrongBodies: [],
  async start() {
    const server = await new SmtpStandIn().start();
    let stopping: Promise<void> | null = null;
    return {
      settings: {
        smtpUrl: server.smtpUrl,
        from: 'Health Relay <relay@contoso.example>',
        to: ['sre@contoso.example', 'duty@contoso.example'],
      },
      secrets: [server.password],
      server: null,
      observed: () => ({
        woken: 0,
        open: 0,
        records: server.mails.length,
        refused: server.refusals.length,
        messages: server.mails.map(messageOf),
      }),
      stop: () => {
        closeTransports();
        return (stopping ??= server.stop());
      },
    };
  },
};

function messageOf({ mail }: ReceivedMail): ObservedMessage {
  const html = typeof mail.html === 'string' ? mail.html : '';
  const links = [...html.matchAll(/href="([^"]+)"/g)].map((match) => (match[1] ?? '').replaceAll('&amp;', '&'));
  return { text: `${mail.subject ?? ''}\n${mail.text ?? ''}`, links };
}
