import { CacheAddCommand } from './add.js';
import { CacheClearCommand } from './clear.js';
import { CacheHelpCommand } from './help.js';
import { CacheInfoCommand } from './info.js';
import { CacheListCommand } from './list.js';
import { CachePathCommand } from './path.js';
import { CachePruneCommand } from './prune.js';
import { CacheVerifyCommand } from './verify.js';

/** Everything that begins with `cache`. */
export const CACHE_COMMANDS = [
  CacheHelpCommand,
  CacheListCommand,
  CacheInfoCommand,
  CacheAddCommand,
  CachePruneCommand,
  CacheVerifyCommand,
  CacheClearCommand,
  CachePathCommand,
];
