import { existsSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";

import * as vscode from "vscode";

import type { FunctionAddress } from "./account/function-address.ts";
import { createFunctionClient, type Fetch } from "./account/function-client.ts";
import type { SignInWithMicrosoft } from "./account/microsoft.ts";
import { shareSessions } from "./account/neighbours.ts";
import { createOtherAddresses } from "./account/other-addresses.ts";
import { createOwnSignIns } from "./account/own-sign-ins.ts";
import { createPendingSignIns } from "./account/pending-sign-in.ts";
import { createSessionStore } from "./account/session.ts";
import { signInWhenAsked } from "./account/sign-in-when-asked.ts";
import { systemClock } from "./base/clock.ts";
import { lazily } from "./base/lazily.ts";
import { speakWith } from "./base/words.ts";
import { createAuthentication } from "./host/authentication.ts";
import { createChatProvider } from "./host/chat-provider.ts";
import { createContexts } from "./host/contexts.ts";
import { createOutputLog } from "./host/log.ts";
import { askMicrosoft } from "./host/microsoft.ts";
import { createNeighbours } from "./host/neighbours.ts";
import { createSecretStore, createToolUndoStore, machineMark } from "./host/secret-storage.ts";
import { settings } from "./host/settings.ts";
import { createSignInEditor } from "./host/sign-in-editor.ts";
import { createToolsOnThisMachine, isFolder } from "./host/tools.ts";
import { editorWords } from "./host/words.ts";
import { markName } from "./key-helper/mark-name.ts";
import { chooseSocketDirectory } from "./key-helper/socket-directory.ts";
import { expiringKeys } from "./keys/expiring-keys.ts";
import { createKeyRing } from "./keys/key-ring.ts";
import { createKeyService } from "./keys/key-service.ts";
import { createSecretVault } from "./keys/secret-vault.ts";
import { createServing } from "./keys/serve-tools.ts";
import { createToolsKeyChoice } from "./keys/tools-key.ts";
import { offerReload, resumeSignIn, signInCommand, signInWithCode, signOutCommand } from "./ui/account-commands.ts";
import { createAdmin } from "./ui/admin.ts";
import { registerCommands } from "./ui/commands.ts";
import { createEditorDialogs } from "./ui/editor-dialogs.ts";
import { followLater } from "./ui/follow-later.ts";
import { createKeysView } from "./ui/keys-view.ts";
import { createLeavingAddress } from "./ui/leave-address.ts";
import { createLeftOutTools } from "./ui/left-out-tools.ts";
import { machineName } from "./ui/machine-name.ts";
import { runCommand } from "./ui/run-command.ts";
import type { PickTools } from "./ui/set-up-tools.ts";
import { createSettling } from "./ui/settle-keys.ts";
import { createStopNotice } from "./ui/stop-notice.ts";
import { contextsOf } from "./ui/show-contexts.ts";
import { createSpendWatch } from "./ui/spend-watch.ts";
import { withAccess } from "./ui/with-access.ts";

/**
 * Builds everything and connects it; what anything does is in its own file. Asks nobody and waits for nothing. What most
 * starts do not need is imported when it is first asked for.
 */
export function activate(context: vscode.ExtensionContext): void {
  const own = <T extends { dispose(): unknown }>(thing: T): T => {
    context.subscriptions.push(thing);
    return thing;
  };
  speakWith(editorWords());
  const lifetime = new AbortController();
  own({ dispose: () => lifetime.abort() });
  const log = own(createOutputLog());
  const contexts = createContexts();
  const dialogs = createEditorDialogs(() => log.show());
  const clock = systemClock;
  const address = settings.functionAddress;
  // Looked up at each call: the editor replaces the global fetch to follow its proxy and certificate settings.
  const fetch: Fetch = (input, init) => globalThis.fetch(input, init);

  const store = createSecretStore(context.secrets);
  const vault = createSecretVault(store);
  const storageDirectory = context.globalStorageUri.fsPath;
  const neighbours = own(createNeighbours(storageDirectory, log));
  const sessions = own(shareSessions(createSessionStore({ store, now: clock.now, log }), neighbours));
  const version: unknown = context.extension.packageJSON.version;
  const client = createFunctionClient({
    fetch,
    client: `openrouter-keys/${String(version)} vscode/${vscode.version}`,
    log,
  });
  const withMicrosoft: SignInWithMicrosoft = async (...sought) => {
    const { createSignInWithMicrosoft } = await import("./account/microsoft.ts");
    return createSignInWithMicrosoft({ client, ask: askMicrosoft, log })(...sought);
  };
  const pending = createPendingSignIns(store);
  const signInEditor = own(createSignInEditor());
  const signIn = signInWhenAsked(pending, async () => {
    const { createSignIn } = await import("./account/sign-in.ts");
    return createSignIn({ editor: signInEditor, client, withMicrosoft, pending, clock, log });
  });
  const others = createOtherAddresses({ address, store, sessions, client, log });
  const leaving = createLeavingAddress({ address, others, dialogs, setAddress: settings.setFunctionUrl });
  const accessToken = own(
    createAuthentication({ address, sessions, signIn, mayLeaveOthers: leaving.mayLeave, client, log }),
  );

  const service = createKeyService({ client, sessions });
  const signIns = createOwnSignIns({ client, sessions });
  const creation = lazily(async () => {
    const { createKeyCreation } = await import("./keys/create-key.ts");
    return createKeyCreation({ service, vault, clock, log });
  });
  const toolsKey = createToolsKeyChoice({ address, vault, sessions });
  const ring = own(createKeyRing({ address, accessToken, sessions, service, vault, toolsKey, clock, log }));

  const socketDirectory = chooseSocketDirectory({
    platform: process.platform,
    env: process.env,
    storageDirectory,
    temporaryDirectory: tmpdir(),
    isFolder,
    uid: process.getuid?.(),
  });
  const machine = machineMark(hostname(), homedir());
  const undoStore = createToolUndoStore(store, machine);
  const tools = createToolsOnThisMachine({
    helper: {
      storageDirectory,
      program: join(context.extensionPath, "dist", "or-key.cjs"),
      execPath: process.execPath,
      socketDirectory,
      platform: process.platform,
    },
    openRouterUrl: settings.openRouterUrl,
    undoStore,
    readKey: toolsKey.readSecret,
    terminals: context.environmentVariableCollection,
    log,
  });
  const server = lazily(async () => {
    const { createKeyServer } = await import("./key-helper/key-server.ts");
    return createKeyServer({ directory: socketDirectory, readKey: toolsKey.readSecret, log });
  });
  const keychain = lazily(async () => {
    const { createKeychainCopy } = await import("./key-helper/keychain-copy.ts");
    const { platform, env } = process;
    return createKeychainCopy({ storageDirectory, platform, env, readKey: toolsKey.readSecret, log });
  });
  /** Most people have agreed to no copy. */
  const followKeychain = async (): Promise<void> => {
    if (existsSync(join(storageDirectory, markName))) await (await keychain()).sync();
  };
  const serving = createServing({
    isWanted: async () => (await toolsKey.readSecret()) !== undefined || (await undoStore.hasAny()),
    server,
    log,
  });
  own({ dispose: () => void serving.stop() });

  /** The chat goes on using the key when no tool does. */
  const toolsKeyBesideChat = {
    ...toolsKey,
    forget: async (left: FunctionAddress) => {
      if (!settings.isChatOn()) await toolsKey.forget(left);
    },
  };
  const pickTools: PickTools = async (...asked) => (await import("./ui/tools-pick.ts")).pickTools(...asked);
  const leftOut = createLeftOutTools(context.globalState, machine);
  const toolsDeps = {
    dialogs,
    toolSetup: tools.ready,
    toolsKey: toolsKeyBesideChat,
    keychain,
    toolsInUse: tools.inUse,
    refreshTools: tools.refresh,
    pickTools,
    leftOut,
    openRouterUrl: settings.openRouterUrl,
    checkLive: async (base: string, secret: string, signal: AbortSignal) =>
      (await import("./keys/live-check.ts")).checkLive({ fetch, clock, log }, base, secret, signal),
    serve: serving.sync,
    address,
    ring,
    log,
  };
  const accessDeps = { ...toolsDeps, accessToken, setAddress: settings.setFunctionUrl };
  const settling = createSettling({ ...accessDeps, vault, creation, service, clock, lifetime: lifetime.signal });
  const stopNotice = createStopNotice({
    dialogs,
    memory: context.globalState,
    toolsInUse: tools.inUse,
    setBack: async (used) => (await import("./ui/set-up-tools.ts")).setToolsBack(toolsDeps, used),
    isInFront: () => vscode.window.state.focused,
  });
  const keyDeps = { ...accessDeps, service, vault, stopNotice, now: clock.now };

  const spend = own(
    createSpendWatch({
      ring,
      load: async () =>
        (await import("./ui/spend-side.ts")).createSpendSide({
          ring,
          served: toolsKey.served,
          openRouterUrl: settings.openRouterUrl,
          fetch,
          clock,
          memory: context.globalState,
          dialogs,
          pageFiles: vscode.Uri.joinPath(context.extensionUri, "dist", "webview"),
          log,
        }),
      log,
    }),
  );
  const toolLabels = async (): Promise<readonly string[]> => (await tools.inUse()).map(({ label }) => label);
  const view = own(createKeysView({ ring, toolLabels, now: clock.now }));
  own(
    ring.onDidChange((state) => {
      contexts.set(contextsOf(state));
      void stopNotice.follow(state);
    }),
  );
  own(sessions.onLeft(() => void stopNotice.left()));
  const makeDeps = async () => ({
    ...keyDeps,
    creation: await creation(),
    settleLater: () => void settling.settle(),
  });
  const createKeyNow = async (): Promise<void> => {
    const { createKey } = await import("./ui/create-key.ts");
    await createKey({ ...(await makeDeps()), machineName: machineName(hostname()) });
  };
  const chat = own(
    createChatProvider({
      isOn: settings.isChatOn,
      answers: lazily(async () => {
        const { createChatAnswers } = await import("./host/chat-answers.ts");
        const { readKeyInUse } = await import("./keys/key-in-use.ts");
        const { openRouterUrl, chatModels: wantedModels } = settings;
        const keyNow = () => readKeyInUse({ ring, clock });
        const spent = () => void ring.poll();
        return createChatAnswers({
          fetch,
          log,
          clock,
          openRouterUrl,
          wantedModels,
          readSecret: toolsKey.readSecret,
          keyNow,
          spent,
        });
      }),
    }),
  );
  const signOut = (): Promise<void> => signOutCommand({ ...accessDeps, sessions, client, log });
  const admin = own(
    createAdmin({
      ring,
      load: async () =>
        (await import("./ui/admin-side.ts")).createAdminSide({
          client,
          sessions,
          dialogs,
          clock,
          log,
          existing: accessToken.existing,
          withAccess: (work) => withAccess(accessDeps, work),
          setState: (state) => contexts.set({ "openrouterKeys.adminState": state }),
          memory: context.globalState,
          chooseFile: async (suggested) => (await import("./host/save-file.ts")).chooseFile(suggested),
          isInFront: () => vscode.window.state.focused,
          recheck: ring.refresh,
          run: (what, work) => runCommand({ dialogs, log }, what, work),
        }),
      setIsAdmin: (isAdmin) => contexts.set({ "openrouterKeys.isAdmin": isAdmin }),
      log,
    }),
  );
  const raises = lazily(async () => {
    const { createRaises } = await import("./ui/raises.ts");
    const { createRaisesView } = await import("./ui/raises-view.ts");
    return own(
      createRaises({
        ...keyDeps,
        client,
        sessions,
        memory: context.globalState,
        isInFront: () => vscode.window.state.focused,
        showList: (list) =>
          createRaisesView(list, clock.now, (hasAny) => contexts.set({ "openrouterKeys.hasRaises": hasAny })),
        clock,
        log,
      }),
    );
  });
  own(followLater(ring, () => true, raises, log));
  const replacing = async () => {
    const { createReplacing } = await import("./ui/replace-expiring.ts");
    return createReplacing({
      ...(await makeDeps()),
      mode: settings.rotateExpiringKeys,
      setMode: settings.setRotateExpiringKeys,
      memory: context.globalState,
      isInFront: () => vscode.window.state.focused,
      log,
    });
  };
  own(followLater(ring, (keys) => expiringKeys(keys, clock.now()).length > 0, replacing, log));
  const copies = lazily(async () => {
    const { createSecretCopies } = await import("./ui/copy-secret.ts");
    const made = createSecretCopies({ ...keyDeps, clipboard: vscode.env.clipboard, clock, log });
    atTheEnd.push(made.clear);
    return made;
  });
  own(
    registerCommands(
      { dialogs, log },
      {
        "openrouterKeys.createKey": createKeyNow,
        "openrouterKeys.createKeyWithOptions": async () => {
          const { createKey } = await import("./ui/create-key.ts");
          const { askKeyOptions } = await import("./ui/key-options.ts");
          await createKey({ ...(await makeDeps()), machineName: machineName(hostname()) }, (me, usualUsd) =>
            askKeyOptions(dialogs, me, usualUsd, clock.now()),
          );
        },
        "openrouterKeys.signIn": () => signInCommand(accessDeps),
        "openrouterKeys.signInWithCode": () => signInWithCode(accessDeps),
        "openrouterKeys.signOut": signOut,
        "openrouterKeys.showSignIns": async () => {
          const { showSignIns } = await import("./ui/sign-ins.ts");
          const { pickSignIn } = await import("./ui/sign-ins-pick.ts");
          await showSignIns({ ...accessDeps, signIns, signOut, show: pickSignIn, now: clock.now });
        },
        "openrouterKeys.rotateKey": async (argument) => {
          const { rotateKey } = await import("./ui/rotate-key.ts");
          await rotateKey(await makeDeps(), argument);
        },
        "openrouterKeys.disableKey": async (key) => (await import("./ui/change-key.ts")).disableKey(keyDeps, key),
        "openrouterKeys.enableKey": async (key) => (await import("./ui/change-key.ts")).enableKey(keyDeps, key),
        "openrouterKeys.deleteKey": async (key) => (await import("./ui/change-key.ts")).deleteKey(keyDeps, key),
        "openrouterKeys.renameKey": async (key) => (await import("./ui/change-key.ts")).renameKey(keyDeps, key),
        "openrouterKeys.copySecret": async (key) => (await copies()).copy(key),
        "openrouterKeys.requestRaise": async (argument) => (await raises()).request(argument),
        "openrouterKeys.configureTools": async () => (await import("./ui/set-up-tools.ts")).configureTools(keyDeps),
        "openrouterKeys.undoTools": async () => (await import("./ui/set-up-tools.ts")).undoTools(toolsDeps),
        "openrouterKeys.toolsWhileClosed": async () =>
          (await import("./ui/while-closed.ts")).toggleWhileClosed({ dialogs, keychain }),
        "openrouterKeys.useInChat": async () => {
          const { useInChat } = await import("./ui/use-in-chat.ts");
          const { chatOfTheEditor } = await import("./host/chat-editor.ts");
          const own = { chat: chatOfTheEditor, setOn: settings.setChatOn, createKey: createKeyNow };
          await useInChat({ ...keyDeps, ...own });
        },
        "openrouterKeys.stopInChat": async () =>
          (await import("./ui/use-in-chat.ts")).stopInChat({ dialogs, setOn: settings.setChatOn }),
        "openrouterKeys.showSpend": async () => {
          // Where nobody has signed in, the view says what to do first.
          if (!(await spend.showPage())) await view.reveal();
        },
        "openrouterKeys.refresh": async () => {
          await ring.refresh();
          await spend.refresh();
        },
      },
      admin.run,
    ),
  );

  const followSession = (): void => {
    chat.changed();
    void ring.refresh();
    void settling.settle();
    void serving.sync();
    void followKeychain();
  };
  const followTools = async (): Promise<void> => {
    void serving.sync();
    // Another key may be chosen, which some tools have in a file.
    void tools.refresh();
    void followKeychain();
    contexts.set({ "openrouterKeys.toolsConfigured": await undoStore.hasAny() });
  };
  /** In the window in front only: every window hears of a change. */
  const askAboutOthers = (): void => {
    if (!vscode.window.state.focused) return;
    void runCommand({ dialogs, log }, "ask about an address that was left", () => leaving.ask());
  };
  own(accessToken.onDidChange(followSession));
  // On a desktop the secret storage says so itself, perhaps a moment later.
  if (vscode.env.uiKind === vscode.UIKind.Web) own(sessions.onSignedInElsewhere(() => void offerReload(dialogs)));
  own(
    store.onDidChange(({ key }) => {
      if (key.startsWith("tool")) void followTools();
      if (key.startsWith("tools-key")) chat.changed();
    }),
  );
  own(
    settings.onDidChange((id) => {
      if (id !== "openrouterKeys.functionUrl") chat.changed();
      if (id === "openrouterKeys.functionUrl") {
        void accessToken.addressChanged();
        askAboutOthers();
      } else if (id === "openrouterKeys.openRouterUrl") {
        void tools.refresh();
        void spend.refresh();
      }
    }),
  );
  own(
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (!focused) return;
      void ring.poll();
      askAboutOthers();
    }),
  );

  followSession();
  void followTools();
  void runCommand({ dialogs, log }, "look for a sign-in that was under way", () =>
    resumeSignIn(accessDeps, (tell) => accessToken.resume(lifetime.signal, tell)),
  );
  askAboutOthers();
}

/** What is to be done before the window closes; the editor waits for it, though not for long. */
const atTheEnd: (() => Promise<void>)[] = [];

export async function deactivate(): Promise<void> {
  await Promise.all(atTheEnd.splice(0).map((end) => end()));
}
