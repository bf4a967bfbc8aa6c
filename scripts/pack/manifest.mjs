/** The package.json files as they are published: what only this repository needs is taken out. */

const ONLY_HERE = ['napi', 'scripts', 'devDependencies'];

/**
 * @param {object} manifest of packages/fuselage
 * @param {object[]} platforms the manifests of the platform packages that go with it
 * @returns {object} with the platform packages as optional dependencies, at exactly their versions
 */
export function mainManifest(manifest, platforms) {
  const kept = Object.entries(manifest).filter(([key]) => !ONLY_HERE.includes(key));
  const optionalDependencies = Object.fromEntries(
    platforms.map(({ name, version }) => {
      if (version !== manifest.version) {
        throw new Error(`${name} is ${version}, ${manifest.name} is ${manifest.version}`);
      }
      return [name, version];
    }),
  );
  return { ...Object.fromEntries(kept), optionalDependencies };
}
