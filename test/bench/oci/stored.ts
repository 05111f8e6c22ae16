import { request } from '../../../runtime/http.ts';
import { readManifest } from '../../../runtime/oci/manifest.ts';

/** The content of a repository as it is stored: the digest of its first layer, and bytes of all. */
export async function storedIn(repository: string, signal: AbortSignal): Promise<{ digest: string; bytes: number }> {
  const slash = repository.indexOf('/');
  const url = `http://${repository.slice(0, slash)}/v2${repository.slice(slash)}/manifests/v1`;
  const accept =
    'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json';
  const response = await request({ url, headers: { accept }, signal });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${repository}: the manifest is not there: ${response.status} ${text}`);
  const stored = readManifest(Buffer.from(text), String(response.headers['content-type']), repository);
  if (stored.kind !== 'image') throw new Error(`${repository}: expected an image`);
  const { layers } = stored.value;
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return { digest: layers[0]?.digest ?? '', bytes };
}

/** Bytes of a blob that no manifest names. */
export async function blobSize(repository: string, digest: string, signal: AbortSignal): Promise<number> {
  const slash = repository.indexOf('/');
  const url = `http://${repository.slice(0, slash)}/v2${repository.slice(slash)}/blobs/${digest}`;
  const response = await request({ url, method: 'HEAD', signal });
  await response.text();
  return Number(response.headers['content-length']);
}
