using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>A module's words for files.</summary>
public static class ModuleFiles
{
    extension(Module module)
    {
        /// <summary>Writes the model to a checkpoint of its own, as part "model".</summary>
        /// <param name="path">Where.</param>
        /// <param name="info">What the manifest says.</param>
        /// <param name="others">What belongs to the model: a normaliser, a vocabulary.</param>
        /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
        public void Save(string path, CheckpointInfo? info = null, params IReadOnlyList<(string Name, ISaveState Value)> others)
        {
            ArgumentNullException.ThrowIfNull(module);
            NullItems.ThrowIfAny(others);
            CheckpointFile.Save(path, info ?? new(), [("model", module), .. others]);
        }

        /// <summary>Takes over the weights in a checkpoint's part "model".</summary>
        /// <param name="path">Where.</param>
        /// <param name="strict">Whether every name must be there on both sides, in the same shape. If not, what fits is taken over.</param>
        /// <returns>What did not fit.</returns>
        /// <exception cref="InvalidDataException">The file is no sound checkpoint; or, strict, names are missing, unexpected, or of other shapes: all are listed, and nothing is changed.</exception>
        public LoadReport Load(string path, bool strict = true)
        {
            ArgumentNullException.ThrowIfNull(module);
            return module.Take(path, CheckpointFile.Load(path).State("model"), strict);
        }

        /// <summary>Writes parameters and buffers for other programs: to a file named .pt or .pth as PyTorch's <c>torch.save(model.state_dict(), path)</c> does, else in the safetensors format,
        /// which PyTorch reads with <c>safetensors.torch.load_file</c>.</summary>
        /// <param name="path">Where.</param>
        /// <param name="type">How the numbers are stored: F32, F16, BF16 or F64; or I8, in the safetensors format: the weights of dense, recurrent and attention layers in eight bits with a step for each
        /// output under "(name)_scale", all else as F32. <see cref="LoadWeights(Module, string, bool)"/> gives the rounded weights, of which a session with <see cref="WeightPrecision.Int8"/>
        /// computes the same bits as of the exact ones.</param>
        /// <exception cref="ArgumentException">The file's name is that of another format, such as model.h5; or with I8, there is nothing to round.</exception>
        /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
        public void SaveWeights(string path, NumberType type = NumberType.F32)
        {
            ArgumentNullException.ThrowIfNull(module);
            ArgumentNullException.ThrowIfNull(path);
            if (type == NumberType.I8) { EightBitFile.Write(path, module); }
            else if (Path.GetExtension(path).ToLowerInvariant() is ".pt" or ".pth") { TorchFile.Write(path, module.UnderAllNames(), type); }
            else { SafeTensors.Write(path, [.. module.Parameters().Select(p => (p.Name, (Tensor)p.Value)), .. module.Buffers()], type); }
        }

        /// <summary>Takes over the weights in a file that PyTorch wrote: <c>safetensors.torch.save_file(model.state_dict(), path)</c> or <c>torch.save(model.state_dict(), path)</c>.</summary>
        /// <param name="path">Where.</param>
        /// <param name="strict">Whether every name must be there on both sides, in the same shape. If not, what fits is taken over.</param>
        /// <returns>What did not fit.</returns>
        /// <exception cref="InvalidDataException">The file is no sound one of these; or, strict, names are missing, unexpected, or of other shapes: all are listed, and nothing is changed.</exception>
        public LoadReport LoadWeights(string path, bool strict = true)
        {
            ArgumentNullException.ThrowIfNull(module);
            if (TorchFile.IsZip(path)) { return module.Take(path, TorchFile.Read(path), strict); }
            using var file = SafeTensors.Open(path);
            return module.Take(path, file, strict);
        }

        private LoadReport Take(string path, ISavedTensors state, bool strict)
        {
            try { return module.LoadWeights(state, strict); }
            catch (InvalidDataException e) { throw new InvalidDataException($"{path}: {e.Message}", e); }
        }
    }
}
