/** Commands as the scripts use them, worded so that they change nothing: for its right an error of another kind will do. */
export interface Trial {
  readonly right: string;
  readonly words: readonly string[];
}

/** Of the scripts that work on flights. */
export function scriptTrials(key: string): readonly Trial[] {
  return [
    { right: "TIME", words: ["TIME"] },
    { right: "GET", words: ["GET", key] },
    { right: "GETRANGE", words: ["GETRANGE", key, "0", "0"] },
    { right: "SET", words: ["SET", key, "", "NX", "XX"] },
    { right: "EXISTS", words: ["EXISTS", key] },
    { right: "DEL", words: ["DEL", key] },
    { right: "PEXPIRE", words: ["PEXPIRE", key, "1"] },
    { right: "PTTL", words: ["PTTL", key] },
    { right: "HGET", words: ["HGET", key, "probe"] },
    { right: "HMGET", words: ["HMGET", key, "probe"] },
    { right: "HKEYS", words: ["HKEYS", key] },
    { right: "HSET", words: ["HSET", key, "probe", "", "odd"] },
    { right: "HDEL", words: ["HDEL", key, "probe"] },
  ];
}

/** The one that cannot but write; what removes the field again follows it in the same script. */
export function writingTrials(key: string): readonly Trial[] {
  return [
    { right: "HSETNX", words: ["HSETNX", key, "probe", ""] },
    { right: "HDEL", words: ["HDEL", key, "probe"] },
    { right: "DEL", words: ["DEL", key] },
    { right: "PEXPIRE", words: ["PEXPIRE", key, "1"] },
  ];
}

/** What telling others over pub/sub takes. */
export function channelTrials(channel: string): readonly Trial[] {
  return [
    { right: "PUBLISH", words: ["PUBLISH", channel, ""] },
    { right: "PUBSUB|NUMSUB", words: ["PUBSUB", "NUMSUB", channel] },
  ];
}

/** What telling others by list takes, but for the push itself. */
export function listTrials(list: string): readonly Trial[] {
  return [
    { right: "LTRIM", words: ["LTRIM", list, "1", "0"] },
    { right: "LLEN", words: ["LLEN", list] },
    { right: "PEXPIRE", words: ["PEXPIRE", list, "1"] },
    { right: "DEL", words: ["DEL", list] },
  ];
}

/** That cannot but write; what removes the message again follows it in the same script. */
export function pushTrials(list: string): readonly Trial[] {
  return [{ right: "LPUSH", words: ["LPUSH", list, ""] }, ...listTrials(list)];
}
