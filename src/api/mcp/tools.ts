/** The tools, in the order in which a question is usually followed up. */
import { deliveriesTool } from './deliveries.ts';
import { evidenceTool, impactTool } from './estate.ts';
import { incidentTool, listTool } from './incidents.ts';
import { timelineTool } from './timeline.ts';
import type { Tool } from './tool.ts';

export const tools: readonly Tool[] = [listTool, incidentTool, timelineTool, deliveriesTool, impactTool, evidenceTool];
