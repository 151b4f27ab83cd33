using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>Models for other programs: the forward pass in use (no dropout, running statistics) with its weights as one ONNX file, operators of version 17, for ONNX Runtime
/// and whatever else reads such files. PyTorch's <c>torch.onnx.export</c>.
/// <code>
/// OnnxFile.Save("digits.onnx", model, [1, 1, 28, 28]);
/// OnnxFile.Save("tracing.onnx", lstm, x => lstm.Run(x.Tensor([1, 50, 8]), lengths: x.Indices([1])).Output);
/// </code>
/// <para>The forward pass is run, and the device's calls are written down, so that a model's own <c>Forward</c> is exported like the library's. It must do the same whatever the values are, as for
/// an <see cref="InferenceSession"/>. Axis 0 of each input is the batch, whose size the file leaves open; all other sizes are those given. Whole numbers are int64 in the file. Weights have the
/// names of the state dict. The same model gives the same bytes.</para></summary>
public static class OnnxFile
{
    /// <summary>The version of the operators in the files.</summary>
    public static int Opset => OnnxGraph.Opset;

    /// <summary>Writes a layer that takes numbers.</summary>
    /// <param name="path">Where; what stands there is replaced only when the whole file is written.</param>
    /// <param name="model">The model.</param>
    /// <param name="input">The shape of its input, batch included; the size of the batch does not matter.</param>
    /// <param name="options">Names, and where the batch is.</param>
    /// <exception cref="ArgumentException">The file's name is that of another format, or names or axes of the options do not fit.</exception>
    /// <exception cref="NotSupportedException">Something in it has no ONNX operators here: says what and where.</exception>
    /// <exception cref="InvalidOperationException">The forward pass depends on values.</exception>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Save(string path, Layer model, Shape input, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Save(path, model, x => model.Forward(x.Tensor(input)), options);
    }

    /// <summary>Writes a layer that takes tokens or other whole numbers.</summary>
    /// <inheritdoc cref="Save(string, Layer, Shape, OnnxOptions?)"/>
    public static void SaveOfIndices(string path, Layer model, Shape input, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Save(path, model, x => model.Forward(x.Indices(input)), options);
    }

    /// <summary>Writes any forward pass with one result.</summary>
    /// <param name="path">Where; what stands there is replaced only when the whole file is written.</param>
    /// <param name="model">Whose weights it uses.</param>
    /// <param name="forward">Asks for its inputs, one after the other, and computes.</param>
    /// <param name="options">Names, and where the batch is.</param>
    /// <inheritdoc cref="Save(string, Layer, Shape, OnnxOptions?)" path="/exception"/>
    public static void Save(string path, Module model, Func<InferenceInputs, Tensor> forward, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        Save(path, model, x => [forward(x)], options);
    }

    /// <summary>Writes any forward pass with several results.</summary>
    /// <inheritdoc cref="Save(string, Module, Func{InferenceInputs, Tensor}, OnnxOptions?)"/>
    public static void Save(string path, Module model, Func<InferenceInputs, Tensor[]> forward, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(forward);
        if (!Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase)) { ForeignName.ThrowIf(path, "an ONNX file", "name it .onnx", ".pt", ".pth", ".safetensors", ".ckpt"); }
        var graph = OnnxExport.Of(model, forward, options ?? new());
        AtomicFile.Write(path, file => graph.Write(file, Version()));
    }

    /// <summary>Reads a model that another program wrote: PyTorch's <c>torch.onnx.export</c>, tf2onnx, <see cref="Save(string, Layer, Shape, OnnxOptions?)"/>. Operators of all versions; numbers of any type become float32. Numbers that lie in files
    /// beside the model are read too.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="learn">Whether a constant, by its name in the file, is a parameter, to be learned on. Unless given, those are that stand where a layer's weight stands: of dense layers, convolutions, recurrent layers,
    /// norms, look-ups, and one-axis constants that are added or multiplied.</param>
    /// <exception cref="InvalidDataException">It is no ONNX file, or broken.</exception>
    /// <exception cref="NotSupportedException">It holds operators or types that are not supported: all operators are named.</exception>
    public static OnnxModel Load(string path, Func<string, bool>? learn = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Read(File.ReadAllBytes(DataFile.NoFolder(path)), path, Path.GetDirectoryName(Path.GetFullPath(path)), learn);
    }

    /// <summary>Reads a model from a stream, to its end.</summary>
    /// <inheritdoc cref="Load(string, Func{string, bool}?)"/>
    public static OnnxModel Load(Stream from, Func<string, bool>? learn = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        using var all = new MemoryStream();
        from.CopyTo(all);
        return Read(all.ToArray(), "onnx", null, learn);
    }

    private static OnnxModel Read(byte[] bytes, string name, string? folder, Func<string, bool>? learn)
    {
        try { return new(OnnxProto.Read(bytes), folder, learn); }
        catch (Exception e) when (e is InvalidDataException or ShapeException or ArgumentException or OverflowException or IndexOutOfRangeException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{name}: not a sound ONNX file: {e.Message}", e);
        }
    }

    private static string Version() => typeof(OnnxFile).Assembly.GetName().Version is { } v ? $"{v.Major}.{v.Minor}.{v.Build}" : "";
}
