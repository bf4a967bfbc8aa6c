import type { ExtractPolicy } from '../config/extract.js';
import type { HostFacts } from '../native/index.js';
import type { Namespaces, Reason } from '../native/plan-types.js';

/** Which namespaces, and why. */
export interface NamespacesPlan {
  namespaces: Namespaces;
  reason: Reason;
}

/**
 * Chooses the namespaces of a run. Root that may mount gets a mount namespace alone; everybody else
 * a user namespace too, root without CAP_SYS_ADMIN included: inside a user namespace it may well be
 * allowed another, and where it is not, the launcher says why with the fix.
 */
export function planNamespaces(host: HostFacts): NamespacesPlan {
  if (host.euid === 0 && host.sysAdmin) {
    const where = host.inUserNamespace ? 'root of a user namespace' : 'root';
    return chosen(
      'mount',
      'mount namespace',
      `you are ${where} and keep all capabilities, so that read-only is only advisory`,
    );
  }
  const who = host.euid === 0 ? 'you are root without CAP_SYS_ADMIN' : `you are uid ${host.euid}`;
  return chosen(
    'user',
    'user and mount namespace',
    `${who}, and may mount only in one of your own`,
  );
}

/** Whether this user mounts without a user namespace. */
export function mayMount(host: HostFacts): boolean {
  return planNamespaces(host).namespaces === 'mount';
}

/** No namespaces, since `policy` says so. */
export function withoutNamespaces(policy: ExtractPolicy): NamespacesPlan {
  const why = {
    deny: 'nothing is mounted',
    allow: 'they were refused, and --extract=allow allows it',
    prefer: '--extract=prefer, and you may mount only in a user namespace',
    force: '--extract=force',
  }[policy];
  return chosen('none', 'none: real files, and a supervisor that removes them', why);
}

function chosen(namespaces: Namespaces, strategy: string, why: string): NamespacesPlan {
  return { namespaces, reason: { subject: 'namespaces', strategy, why, at: null } };
}
