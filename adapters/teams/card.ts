/** The elements of Adaptive Cards 1.4 that we use, and makers with what Teams needs: text always wraps (destinations 3.3). */

export interface TextBlock {
  type: 'TextBlock';
  text: string;
  wrap: true;
  size?: 'Small' | 'Medium' | 'Large';
  weight?: 'Bolder';
  color?: 'Good' | 'Attention' | 'Warning' | 'Accent';
  isSubtle?: true;
  spacing?: 'None' | 'Small' | 'Medium';
  separator?: true;
}

export interface FactSet {
  type: 'FactSet';
  facts: { title: string; value: string }[];
  spacing?: 'Medium';
  separator?: true;
}

export interface Container {
  type: 'Container';
  style: 'default' | 'emphasis' | 'good' | 'attention' | 'warning' | 'accent';
  bleed: true;
  items: TextBlock[];
}

export interface OpenUrl {
  type: 'Action.OpenUrl';
  title: string;
  url: string;
}

export interface AdaptiveCard {
  $schema: 'http://adaptivecards.io/schemas/adaptive-card.json';
  type: 'AdaptiveCard';
  version: '1.4';
  /** Shown where a client cannot show cards. */
  fallbackText: string;
  msteams: { width: 'Full' };
  body: (Container | TextBlock | FactSet)[];
  actions: OpenUrl[];
}

/** What the trigger "When a Teams webhook request is received" takes: without `attachments` its loop fails. */
export interface TeamsMessage {
  type: 'message';
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive'; contentUrl: null; content: AdaptiveCard }];
}

/** A block of wrapped text. */
export function textBlock(text: string, look: Partial<Omit<TextBlock, 'type' | 'text' | 'wrap'>> = {}): TextBlock {
  return { type: 'TextBlock', text, wrap: true, ...look };
}

/** The message around a card. */
export function messageOf(card: Pick<AdaptiveCard, 'fallbackText' | 'body' | 'actions'>): TeamsMessage {
  const content: AdaptiveCard = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: card.fallbackText,
    msteams: { width: 'Full' },
    body: card.body,
    actions: card.actions,
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}
