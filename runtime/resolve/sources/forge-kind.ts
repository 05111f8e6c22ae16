/** The forges whose URLs and APIs are known. Forgejo is a `gitea`. */
export const forgeKinds = ['github', 'gitlab', 'gitea', 'bitbucket-cloud', 'bitbucket-data-center'] as const;

export type ForgeKind = (typeof forgeKinds)[number];

const known: Readonly<Record<string, ForgeKind>> = {
  'github.com': 'github',
  'www.github.com': 'github',
  'raw.githubusercontent.com': 'github',
  'gitlab.com': 'gitlab',
  'bitbucket.org': 'bitbucket-cloud',
  'codeberg.org': 'gitea',
  'gitea.com': 'gitea',
};

/** What a host's name says: the public forges, and names such as `gitlab.example.com`. */
export function kindOfHost(hostname: string): ForgeKind | undefined {
  const name = hostname.toLowerCase();
  if (name in known) return known[name];
  const word = /(?:^|[.-])(github|ghe|gitlab|gitea|forgejo|bitbucket)(?=[.-])/.exec(name)?.[1];
  switch (word) {
    case 'github':
    case 'ghe':
      return 'github';
    case 'gitlab':
      return 'gitlab';
    case 'gitea':
    case 'forgejo':
      return 'gitea';
    case 'bitbucket':
      return 'bitbucket-data-center';
    default:
      return undefined;
  }
}
