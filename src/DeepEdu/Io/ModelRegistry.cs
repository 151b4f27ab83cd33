using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Makes models from what a checkpoint says of them: from the name of an architecture to the code that constructs it.
/// <code>
/// var registry = new ModelRegistry().Add("mlp", (options, rng) => new Mlp(options.Int("inputs"), options.Int("hidden"), rng));
/// Module model = registry.Load("model.ckpt");
/// </code></summary>
public sealed class ModelRegistry
{
    private readonly Dictionary<string, Func<StateDict, Rng, Module>> _factories = new(StringComparer.Ordinal);

    /// <summary>Adds an architecture.</summary>
    /// <param name="architecture">Its name, as <see cref="CheckpointInfo.Architecture"/> says it.</param>
    /// <param name="factory">Constructs a model from its options and a stream of random numbers.</param>
    public ModelRegistry Add(string architecture, Func<StateDict, Rng, Module> factory)
    {
        ArgumentException.ThrowIfNullOrEmpty(architecture);
        ArgumentNullException.ThrowIfNull(factory);
        if (!_factories.TryAdd(architecture, factory)) { throw new ArgumentException($"model-registry: the architecture \"{architecture}\" is there already"); }
        return this;
    }

    /// <summary>A model of the given kind, with initial values from the seed.</summary>
    /// <exception cref="InvalidDataException">Nobody added the architecture, or its factory asks for an option that is not there.</exception>
    public Module Create(CheckpointInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        return _factories.TryGetValue(info.Architecture, out var factory) ? NullItems.Made(factory(info.Options, new(info.Seed ?? 0)), "model-registry", $"the factory of \"{info.Architecture}\" must give a model")
            : throw new InvalidDataException(info.Architecture.Length == 0 ? "model-registry: the file names no architecture; save with CheckpointInfo.Architecture, or make the model and call its Load"
            : $"model-registry: nobody added the architecture \"{info.Architecture}\"; there are {(_factories.Count == 0 ? "none yet" : string.Join(", ", _factories.Keys.Select(k => $"\"{k}\"")))}");
    }

    /// <summary>The model of a checkpoint, with its weights.</summary>
    public Module Load(string path) => Load(CheckpointFile.Load(path));

    /// <summary>The model of a checkpoint, with its weights.</summary>
    /// <exception cref="InvalidDataException">The weights do not fit the model that was made.</exception>
    public Module Load(CheckpointFile saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        var model = Create(saved.Info);
        model.LoadWeights(saved.State("model"));
        return model;
    }
}
