# syntax=docker/dockerfile:1
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Scripts are not run: they prepare a checkout for its tests, and fetch the Node that is here already.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
WORKDIR /app
# Inside the container it listens for the container's network, so it starts only with TLS, or where
# TAXIWAY_ALLOW_PLAIN_HTTP=true says that plain HTTP is published to loopback only or protected otherwise.
ENV NODE_ENV=production \
    TAXIWAY_HOST=0.0.0.0 \
    TAXIWAY_PORT=9000 \
    TAXIWAY_DATA_DIR=/data
RUN install -d -o node -g node -m 0700 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY schemas ./schemas
COPY seeds ./seeds
USER node
VOLUME /data
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "dist/probe.js"]
# A smaller young generation, as in `npm start`: a fifth less memory for the same speed.
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/main.js"]
CMD ["serve"]
