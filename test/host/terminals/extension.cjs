// VS Code gives an extension its environment of terminals and nobody else: this one hands its own to the suite.
exports.activate = (context) => context.environmentVariableCollection;
