/** The hostname that clients ask tunnels for. */
export const HOSTNAME = 'app.example.test';

/** The gRPC method that the upstream answers. */
export const GRPC_PATH = '/bench.Service/Call';
