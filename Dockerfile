# culvert: edge, router, agent and command line in one image, run from the sources.
FROM node:26-slim AS install
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
COPY libs libs
COPY apps apps
RUN npm ci --omit=dev --ignore-scripts -w apps/culvert

FROM node:26-slim
WORKDIR /srv
ENV NODE_ENV=production NODE_COMPILE_CACHE=/srv/.cache
COPY --from=install /srv /srv
COPY deploy deploy
# The command looks for Node where the workspace pins it; in the image that is the image's own.
RUN mkdir -p .cache node_modules/node/bin /secrets/control /secrets/agent \
 && chown node:node .cache /secrets/* \
 && ln -s /usr/local/bin/node node_modules/node/bin/node \
 && ln -s /srv/apps/culvert/bin/culvert /usr/local/bin/culvert \
 && ln -s /srv/deploy/culvert-secret.sh /usr/local/bin/culvert-secret
USER node
# Starts every service once, so that the compile cache (Node keeps one for each user) holds all modules. NATS and Redis
# are not there: the services wait for them until timeout ends them, with status 124.
RUN export CULVERT_ADMIN_TOKEN=warm-up CULVERT_CLUSTER_SECRET=warm-up DEMO_TOKEN=warm-up REDIS_PASSWORD=warm-up \
      NATS_PASSWORD=warm-up NATS_HOST=127.0.0.1 EDGE_ID=warm-up EDGE_REGION=warm-up \
 && for service in router edge agent; do \
      timeout --signal=TERM --kill-after=10 3 culvert $service --config deploy/$service.yml || test $? -eq 124 || exit 1; \
    done
EXPOSE 8080 7000 7001 9090
# By convention of this image, every service's admin address has port 9090.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "-e", \
  "require('http').get('http://127.0.0.1:9090/healthz', (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["culvert"]
CMD ["--help"]
