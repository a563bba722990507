/** Run as a process by a lifeline: removes the container that its argument names. */
import { getContainerRuntimeClient } from "testcontainers";

const [id = ""] = process.argv.slice(2);
const client = await getContainerRuntimeClient();
await client.container.getById(id).remove({ force: true, v: true });
